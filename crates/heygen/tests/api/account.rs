//! What is left of the credit, in each of HeyGen's forms of billing.

use crate::server::{Reply, Server};
use crate::v3;
use heygen::api::{Billing, Credits, Currency, Kind};
use serde_json::{Value, json};

async fn billing(billing_type: &str, form: Value) -> Billing {
    let data = json!({"username": "u", "email": "u@example.invalid", "billing_type": billing_type, billing_type: form});
    let server = Server::replying([Reply::json(200, json!({"data": data}))]).await;
    let account = v3(&server).account().await.unwrap();
    assert_eq!(server.only().line, "GET /v3/users/me");
    assert_eq!(account.billing.name(), billing_type);
    account.billing
}

#[tokio::test]
async fn a_wallet_has_a_balance_in_its_currency() {
    let wallet = billing("wallet", json!({"currency": "usd", "remaining_balance": 12.5, "auto_reload": null})).await;
    assert_eq!(wallet, Billing::Wallet { currency: Currency::Usd, remaining: Some(12.5) });
    assert_eq!((wallet.remaining_usd(), wallet.remaining_credits()), (Some(12.5), None));

    let wallet = billing("wallet", json!({"currency": "credits", "remaining_balance": "0"})).await;
    assert_eq!((wallet.remaining_usd(), wallet.remaining_credits()), (None, Some(0.0)));

    let wallet = billing("wallet", json!({"currency": "gems", "remaining_balance": 7})).await;
    assert_eq!(wallet, Billing::Wallet { currency: Currency::Other("gems".into()), remaining: Some(7.0) });
    assert_eq!((wallet.remaining_usd(), wallet.remaining_credits()), (None, None), "not known what it counts");
}

#[tokio::test]
async fn a_subscription_has_the_credits_of_the_plan_and_those_that_were_added() {
    let both = billing(
        "subscription",
        json!({"plan": "pro", "credits": {
            "premium_credits": {"remaining": 40, "resets_at": "2026-12-01T00:00:00Z"},
            "add_on_credits": {"remaining": 2.5, "resets_at": null}}}),
    )
    .await;
    assert_eq!(both.remaining_credits(), Some(42.5));
    let Billing::Subscription { plan, premium: Some(premium), add_on } = both else { panic!("{both:?}") };
    assert_eq!((plan.as_deref(), premium.remaining), (Some("pro"), 40.0));
    assert_eq!(premium.resets_at.unwrap().unix_timestamp(), 1_796_083_200);
    assert_eq!(add_on, Some(Credits { remaining: 2.5, resets_at: None }));

    let none = billing("subscription", json!({"plan": "free", "credits": {"premium_credits": null}})).await;
    assert_eq!(none.remaining_credits(), None, "not said is not 0");
}

#[tokio::test]
async fn usage_has_included_credits_and_a_cap() {
    let usage = billing(
        "usage_based",
        json!({"included_credits": 100, "remaining_credits": 3, "spending_current_usd": 20.0, "spending_cap_usd": 50.0}),
    )
    .await;
    assert_eq!((usage.remaining_credits(), usage.remaining_usd()), (Some(3.0), Some(30.0)));
    let uncapped = billing("usage_based", json!({"spending_current_usd": 20.0, "spending_cap_usd": null})).await;
    assert_eq!((uncapped.remaining_credits(), uncapped.remaining_usd()), (None, None));
}

#[tokio::test]
async fn a_new_form_of_billing_is_no_error_and_a_missing_one_is() {
    let new = billing("barter", json!({"sheep": 3})).await;
    assert_eq!(new, Billing::Other("barter".into()));
    assert_eq!((new.remaining_credits(), new.remaining_usd()), (None, None));
    let server = Server::replying([Reply::json(200, json!({"data": {"username": "u"}}))]).await;
    assert_eq!(v3(&server).account().await.unwrap_err().kind, Kind::Unexpected);
}
