//! What is left of the workspace's credit.

use reqwest::Method;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Api, ApiError, Kind, timestamp};
use webhook::fields::Fields;

/// The workspace's account. HeyGen also returns a name and an e-mail address, which are not kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// How it pays, and what is left.
    pub billing: Billing,
}

/// How a workspace pays, and what is left. Every amount may be absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Billing {
    /// `wallet`: it pays in advance.
    Wallet {
        /// The unit of the balance.
        currency: Currency,
        /// The balance.
        remaining: Option<f64>,
    },
    /// `subscription`: a plan with credits that are granted anew.
    Subscription {
        /// The name of the plan.
        plan: Option<String>,
        /// The credits of the plan.
        premium: Option<Credits>,
        /// Credits that were bought in addition.
        add_on: Option<Credits>,
    },
    /// `usage_based`: it pays afterwards, up to a cap.
    UsageBased {
        /// The credits that are included.
        included_credits: Option<f64>,
        /// What is left of them.
        remaining_credits: Option<f64>,
        /// What was spent beyond, in USD.
        spending_usd: Option<f64>,
        /// How much may be spent beyond, in USD.
        spending_cap_usd: Option<f64>,
    },
    /// A form that this version does not know, with its name.
    Other(String),
}

/// The unit of a wallet's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Currency {
    /// `usd`.
    Usd,
    /// `credits`.
    Credits,
    /// A unit that this version does not know.
    Other(String),
}

/// Credits of a subscription.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credits {
    /// What is left.
    pub remaining: f64,
    /// When they are granted anew.
    pub resets_at: Option<OffsetDateTime>,
}

impl Billing {
    /// HeyGen's name of the form.
    pub fn name(&self) -> &str {
        match self {
            Self::Wallet { .. } => "wallet",
            Self::Subscription { .. } => "subscription",
            Self::UsageBased { .. } => "usage_based",
            Self::Other(name) => name,
        }
    }

    /// The credits that are left, of all kinds together; `None` if HeyGen does not count in credits, or did not say.
    pub fn remaining_credits(&self) -> Option<f64> {
        match self {
            Self::Wallet { currency: Currency::Credits, remaining } => *remaining,
            Self::Subscription { premium, add_on, .. } => {
                let known: Vec<_> = [premium, add_on].into_iter().flatten().map(|credits| credits.remaining).collect();
                (!known.is_empty()).then(|| known.iter().sum())
            }
            Self::UsageBased { remaining_credits, .. } => *remaining_credits,
            Self::Wallet { .. } | Self::Other(_) => None,
        }
    }

    /// What may still be spent, in USD: the balance of a wallet, or what a cap leaves.
    pub fn remaining_usd(&self) -> Option<f64> {
        match self {
            Self::Wallet { currency: Currency::Usd, remaining } => *remaining,
            Self::UsageBased { spending_usd, spending_cap_usd, .. } => {
                Some(((*spending_cap_usd)? - spending_usd.unwrap_or_default()).max(0.0))
            }
            Self::Wallet { .. } | Self::Subscription { .. } | Self::Other(_) => None,
        }
    }

    fn read(data: Fields<'_>) -> Option<Self> {
        let name = data.text("billing_type")?;
        Some(match name.as_str() {
            "wallet" => {
                let wallet = data.object("wallet");
                Self::Wallet {
                    currency: match wallet.text("currency").unwrap_or_default() {
                        usd if usd == "usd" => Currency::Usd,
                        credits if credits == "credits" => Currency::Credits,
                        other => Currency::Other(other),
                    },
                    remaining: amount(wallet, "remaining_balance"),
                }
            }
            "subscription" => {
                let subscription = data.object("subscription");
                let credits = subscription.object("credits");
                Self::Subscription {
                    plan: subscription.text("plan"),
                    premium: Credits::read(credits.object("premium_credits")),
                    add_on: Credits::read(credits.object("add_on_credits")),
                }
            }
            "usage_based" => {
                let usage = data.object("usage_based");
                Self::UsageBased {
                    included_credits: amount(usage, "included_credits"),
                    remaining_credits: amount(usage, "remaining_credits"),
                    spending_usd: amount(usage, "spending_current_usd"),
                    spending_cap_usd: amount(usage, "spending_cap_usd"),
                }
            }
            _ => Self::Other(name),
        })
    }
}

impl Credits {
    fn read(fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            remaining: amount(fields, "remaining")?,
            resets_at: fields.text("resets_at").and_then(|text| timestamp::parse(&text)),
        })
    }
}

/// A number, or a text that is one.
fn amount(fields: Fields<'_>, name: &str) -> Option<f64> {
    let number = match fields.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

impl Api {
    /// The account that the credential belongs to, with what is left of its credit.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::Unsupported`] in v1; [`Kind::Unexpected`] if the form of billing is missing. A form that is
    /// new is no error.
    pub async fn account(&self) -> Result<Account, ApiError> {
        const OPERATION: &str = "heygen:GetAccount";
        self.needs_v3(OPERATION)?;
        let call = self.call(OPERATION, Method::GET, &["v3", "users", "me"], &[]);
        let body = self.send(&call).await?;
        let billing = Billing::read(Fields::of(Some(&body)).object("data"));
        Ok(Account { billing: billing.ok_or_else(|| call.misunderstood(Kind::Unexpected))? })
    }
}
