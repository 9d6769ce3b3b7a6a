//! A list is complete and in order, or an error.

use crate::server::{Reply, Server};
use crate::v3;
use heygen::ErrorClass;
use heygen::api::{ApiError, EventTypeInfo, Kind};
use serde_json::{Value, json};

fn page(names: &[&str], more: Value, token: Value) -> Reply {
    let data: Vec<_> = names.iter().map(|name| json!({"event_type": name})).collect();
    Reply::json(200, json!({"data": data, "has_more": more, "next_token": token}))
}

async fn list(server: &Server) -> Result<Vec<String>, ApiError> {
    let all = v3(server).event_types().all().await?;
    Ok(all.into_iter().map(|EventTypeInfo { event_type, .. }| event_type.to_string()).collect())
}

#[tokio::test]
async fn tokens_lead_from_page_to_page() {
    let server = Server::replying([
        page(&["a", "b"], json!(true), json!("t/1=")),
        page(&[], json!(true), json!("t2")),
        page(&["c"], json!(false), Value::Null),
    ])
    .await;
    let api = v3(&server);
    let mut pages = api.event_types();
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    assert_eq!(server.seen().len(), 1, "a page is fetched when it is asked for");
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 0, "an empty page is not the end");
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    assert_eq!(pages.next().await.unwrap(), None);
    assert_eq!(pages.next().await.unwrap(), None);
    let path = "GET /v3/webhooks/event-types";
    assert_eq!(server.lines(), [path.to_owned(), format!("{path}?token=t%2F1%3D"), format!("{path}?token=t2")]);
}

#[tokio::test]
async fn the_token_follows_the_other_parameters() {
    let data = json!([]);
    let server = Server::replying([
        Reply::json(200, json!({"data": data, "has_more": true, "next_token": "t"})),
        Reply::json(200, json!({"data": data})),
    ])
    .await;
    v3(&server).endpoints().all().await.unwrap();
    assert_eq!(server.lines()[1], "GET /v3/webhooks/endpoints?limit=100&token=t");
}

#[tokio::test]
async fn the_end_may_be_marked_in_several_ways() {
    for (more, token) in [(json!(false), json!("t")), (json!(false), json!("")), (Value::Null, Value::Null)] {
        let server = Server::replying([page(&["a"], more, token)]).await;
        assert_eq!(list(&server).await.unwrap(), ["a"]);
    }
}

/// A list whose tokens repeat. It ends after 10 pages, so that a client without a check fails
/// instead of running indefinitely.
async fn cycle(tokens: &'static [&'static str]) -> Server {
    let mut count = 0;
    Server::start(move |_| {
        count += 1;
        page(&["a"], json!(count < 10), json!(tokens[count % tokens.len()]))
    })
    .await
}

#[tokio::test]
async fn a_token_that_repeats_is_an_error() {
    let server = cycle(&["same"]).await;
    let error = list(&server).await.unwrap_err();
    assert_eq!((error.kind, error.class), (Kind::RepeatedToken, ErrorClass::Permanent));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn tokens_that_form_a_cycle_are_an_error() {
    let server = cycle(&["x", "y", "z"]).await;
    assert_eq!(list(&server).await.unwrap_err().kind, Kind::RepeatedToken);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_list_whose_tokens_never_end_is_an_error() {
    for (elements, pages) in [(0, 1000), (50_000, 2)] {
        let mut count = 0;
        let data = vec![json!("a"); elements];
        // It ends after 2,000 pages, so that a client without a bound fails instead of running indefinitely.
        let server = Server::start(move |_| {
            count += 1;
            Reply::json(200, json!({"data": data, "has_more": count < 2000, "next_token": format!("t{count}")}))
        })
        .await;
        assert_eq!(list(&server).await.unwrap_err().kind, Kind::EndlessList);
        assert_eq!(server.seen().len(), pages);
    }
}

#[tokio::test]
async fn elements_that_cannot_be_read_are_counted_or_an_error() {
    let data = json!([{"endpoint_id": "a", "url": "https://a.invalid"}, {"endpoint_id": "b", "url": null}, 7]);
    let reply = || Reply::json(200, json!({"data": data, "has_more": false}));
    let server = Server::replying([reply(), reply()]).await;
    let list = v3(&server).endpoints().readable().await.unwrap();
    assert_eq!((list.elements.len(), list.unreadable.len()), (1, 2));
    assert_eq!(list.unreadable[0].endpoint_id.as_deref(), Some("b"), "what is readable of it is kept");
    assert_eq!(v3(&server).endpoints().all().await.unwrap_err().kind, Kind::Unexpected);
}

#[tokio::test]
async fn a_token_without_has_more_leads_to_the_next_page() {
    let server = Server::replying([page(&["a"], Value::Null, json!("t")), page(&["b"], Value::Null, json!(""))]).await;
    assert_eq!(list(&server).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_list_without_its_end_is_an_error() {
    let server = Server::replying([page(&["a"], json!(true), Value::Null)]).await;
    assert_eq!(list(&server).await.unwrap_err().kind, Kind::Unexpected);
}

#[tokio::test]
async fn a_body_without_a_list_is_not_an_empty_list() {
    for body in [json!({"data": null}), json!({}), json!([]), json!({"data": {}}), json!({"data": [7]})] {
        let server = Server::replying([Reply::json(200, body.clone())]).await;
        assert_eq!(list(&server).await.unwrap_err().kind, Kind::Unexpected, "{body}");
    }
    let server = Server::replying([Reply::Response(200, String::new(), Vec::new())]).await;
    assert_eq!(list(&server).await.unwrap_err().kind, Kind::Unexpected);
}

#[tokio::test]
async fn a_page_that_failed_can_be_requested_again() {
    let rejected = Reply::json(400, json!({"error": {"code": "bad", "message": "no"}}));
    let server =
        Server::replying([page(&["a"], json!(true), json!("t")), rejected, page(&["b"], json!(false), Value::Null)])
            .await;
    let api = v3(&server);
    let mut pages = api.event_types();
    pages.next().await.unwrap();
    pages.next().await.unwrap_err();
    assert_eq!(pages.next().await.unwrap().unwrap()[0].event_type.as_str(), "b");
    assert_eq!(server.lines()[1], server.lines()[2]);
}

#[tokio::test]
async fn an_element_that_is_no_value_hides_no_other() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in [r#""cut \ud83d""#, "1e400", &deep] {
        let body = format!(
            r#"{{"data":[{{"event_type":"a"}},{{"event_type":"b","title":{odd}}},{{"event_type":"c"}}],"has_more":true,"next_token":"t"}}"#
        );
        let server = Server::replying([Reply::Response(200, String::new(), body.into_bytes())]).await;
        let api = v3(&server);
        let mut pages = api.event_types();
        let page = pages.next().await.unwrap().unwrap();
        assert_eq!(page.iter().map(|info| info.event_type.as_str()).collect::<Vec<_>>(), ["a", "c"], "{odd}");
        assert_eq!((pages.unreadable().len(), pages.token()), (1, Some("t")));
    }
}

#[tokio::test]
async fn what_breaks_off_is_no_list() {
    let body = br#"{"data":[{"event_type":"a"},{"event_type":"b","title":"\ud83d"}],"has_more":fal"#;
    let server = Server::replying([Reply::Response(200, String::new(), body.to_vec())]).await;
    assert_eq!(list(&server).await.unwrap_err().kind, Kind::NotJson);
}

#[tokio::test]
async fn the_elements_of_a_page_that_leads_nowhere_are_not_lost() {
    let (to_itself, nowhere) = (page(&["a"], json!(true), json!("t")), page(&["a"], json!(true), Value::Null));
    for (reply, kind) in [(to_itself, Kind::RepeatedToken), (nowhere, Kind::Unexpected)] {
        let server = Server::replying([reply]).await;
        let api = v3(&server);
        let mut pages = api.event_types().starting_at(Some("t".to_owned()));
        assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
        for _ in 0..2 {
            assert_eq!(pages.next().await.unwrap_err().kind, kind);
        }
        assert_eq!(server.seen().len(), 1, "nothing is requested after it");
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_requested_with_fewer_elements() {
    let limit = |line: &str| line.split("limit=").nth(1).unwrap().split('&').next().unwrap().parse::<usize>().unwrap();
    let server = Server::start(move |seen| match limit(&seen.line) {
        10.. => Reply::Response(200, String::new(), vec![b' '; (8 << 20) + 1]),
        _ => Reply::json(200, json!({"data": [], "has_more": false})),
    })
    .await;
    let api = v3(&server);
    let mut pages = api.endpoints().starting_at(Some("t".to_owned()));
    assert_eq!(pages.next().await.unwrap().unwrap(), []);
    let path = "GET /v3/webhooks/endpoints?";
    let lines = ["limit=100&token=t", "limit=25&token=t", "limit=7&token=t"];
    assert_eq!(server.lines(), lines.map(|line| format!("{path}{line}")));

    let server = Server::start(|_| Reply::Response(200, String::new(), vec![b' '; (8 << 20) + 1])).await;
    assert_eq!(v3(&server).endpoints().all().await.unwrap_err().kind, Kind::TooLarge);
}
