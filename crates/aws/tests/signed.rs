//! Calls without an SDK crate.

#![allow(clippy::unwrap_used, clippy::panic)]

use aws::error::ErrorClass;
use aws::sdk::Timeouts;
use aws::signed::{InvokeError, Service};
use aws::stub::{Reply, requests, sdk};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PARAMETER: &str = "ssm:GetParameter";

type Seen = Arc<Mutex<Vec<String>>>;

/// Each of these replies in turn, then a success; and how often they were asked for.
fn replies(replies: Vec<Reply>) -> (impl Fn(&str, Value) -> Reply + Send + Sync + 'static, Seen) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let aws = move |operation: &str, _: Value| {
        let mut seen = seen.lock().unwrap();
        seen.push(operation.to_owned());
        replies.get(seen.len() - 1).cloned().unwrap_or(Reply::Ok(json!({"found": true})))
    };
    (aws, calls)
}

/// The first request that these calls send: method, address, and the headers named here.
async fn sent(region: &str, call: impl AsyncFnOnce(aws::signed::Calls)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requested = Arc::clone(&seen);
    let sdk = requests(region, Timeouts::LONG, move |request| {
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        let authorization = header("authorization");
        let (scope, signature) = authorization.rsplit_once("Signature=").unwrap();
        assert_eq!(signature.len(), 64);
        let scope = scope.replace(&header("x-amz-date")[..8], "DATE");
        *requested.lock().unwrap() = vec![
            format!("{} {}", request.method(), request.uri()),
            scope,
            header("x-amz-target"),
            header("content-type"),
            String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap(),
        ];
        Reply::Ok(json!({}))
    });
    call(sdk.calls()).await;
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test]
async fn a_request_is_signed_for_its_service_and_region() {
    let json = sent("cn-north-1", async |calls| {
        calls.json(Service::Ssm, PARAMETER, &json!({"Name": "a"})).await.unwrap();
    });
    let signed = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
    assert_eq!(
        json.await,
        [
            "POST https://ssm.cn-north-1.amazonaws.com.cn/",
            &format!("AWS4-HMAC-SHA256 Credential=id/DATE/cn-north-1/ssm/aws4_request, SignedHeaders={signed}, "),
            "AmazonSSM.GetParameter",
            "application/x-amz-json-1.1",
            r#"{"Name":"a"}"#,
        ]
    );
    let get = sent("us-east-1", async |calls| {
        calls.get(Service::Pipes, "pipes:DescribePipe", &["v1", "pipes", "a/b?c ü"]).await.unwrap();
    });
    assert_eq!(
        get.await,
        [
            "GET https://pipes.us-east-1.amazonaws.com/v1/pipes/a%2Fb%3Fc%20%C3%BC",
            "AWS4-HMAC-SHA256 Credential=id/DATE/us-east-1/pipes/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-security-token, ",
            "",
            "",
            "",
        ]
    );
}

#[tokio::test]
async fn a_form_is_signed_and_its_xml_read() {
    let form = sent("us-east-1", async |calls| {
        let found = calls.attributes(Service::Sns, "sns:GetTopicAttributes", &[("TopicArn", "arn:a b")]).await;
        assert_eq!(found, Ok(BTreeMap::new()));
    });
    let [request, _, _, content_type, body] = <[String; 5]>::try_from(form.await).unwrap();
    assert_eq!(request, "POST https://sns.us-east-1.amazonaws.com/");
    assert_eq!(content_type, "application/x-www-form-urlencoded");
    assert_eq!(body, "Action=GetTopicAttributes&Version=2010-03-31&TopicArn=arn%3Aa%20b");

    let xml = "<R><entry><key>SubscriptionsConfirmed</key><value>1</value></entry></R>";
    let aws = move |_: &str, _| Reply::Ok(json!(xml));
    let found = sdk(Timeouts::LONG, aws).calls().attributes(Service::Sns, "sns:GetTopicAttributes", &[]).await;
    assert_eq!(found.unwrap()["SubscriptionsConfirmed"], "1");
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_three_times_and_what_will_not_once() {
    let may_pass = [
        Reply::error(500, "InternalServerError"),
        Reply::error(400, "ThrottlingException"),
        Reply::error(429, "Other"),
        Reply::Broken,
        Reply::Silent,
    ];
    // Three attempts and the longest waits between them fit into an operation.
    let timeouts = Timeouts { attempt: Duration::from_secs(1), ..Timeouts::LONG };
    for reply in may_pass {
        let (aws, calls) = replies(vec![reply.clone(), reply.clone()]);
        let response = sdk(timeouts, aws).calls().json(Service::Ssm, PARAMETER, &json!({})).await;
        assert_eq!(response, Ok(json!({"found": true})), "{reply:?}");
        assert_eq!(*calls.lock().unwrap(), ["GetParameter"; 3], "{reply:?}");

        let (aws, calls) = replies(vec![reply.clone(); 9]);
        let error = sdk(timeouts, aws).calls().get(Service::Lambda, "lambda:Get", &["a"]).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Transient, "{reply:?}");
        let calls = calls.lock().unwrap();
        assert_eq!(*calls, ["GET /a"; 3], "{reply:?}");
    }
    let (aws, calls) = replies(vec![Reply::error(400, "ParameterNotFound")]);
    let error = sdk(Timeouts::LONG, aws).calls().json(Service::Ssm, PARAMETER, &json!({})).await.unwrap_err();
    assert_eq!((error.code.as_str(), calls.lock().unwrap().len()), ("ParameterNotFound", 1));
}

#[tokio::test]
async fn an_error_has_its_code_and_a_message_only_if_access_was_denied() {
    for (reply, class, shown) in [
        (Reply::error(400, "com.amazonaws#ParameterNotFound:https://x"), ErrorClass::Transient, "ParameterNotFound"),
        (Reply::error(400, "ValidationException"), ErrorClass::Permanent, "ValidationException"),
        (Reply::error(400, "AccessDeniedException"), ErrorClass::Denied, "AccessDeniedException (canary-message)"),
        (Reply::Error(403, json!("canary-body")), ErrorClass::Transient, "HTTP 403"),
    ] {
        let (aws, _) = replies(vec![reply]);
        let error = sdk(Timeouts::LONG, aws).calls().json(Service::Ssm, PARAMETER, &json!({})).await.unwrap_err();
        assert_eq!((error.class, error.to_string()), (class, format!("ssm:GetParameter failed: {shown}")));
        assert_eq!(format!("{error:?}").contains("canary"), class == ErrorClass::Denied, "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invocation_is_sent_once_and_the_functions_error_is_not_awss() {
    let invoke = async |reply: Reply| {
        let (aws, calls) = replies(vec![reply]);
        let sdk = sdk(Timeouts::LONG, aws);
        let result = sdk.calls().invoke("stack-admin", &json!({"action": "list"}), Duration::from_secs(60)).await;
        assert_eq!(*calls.lock().unwrap(), ["POST /2015-03-31/functions/stack-admin/invocations"]);
        result
    };
    assert_eq!(invoke(Reply::Ok(json!("done"))).await.unwrap(), json!("done"));
    for reply in [Reply::error(503, "ServiceException"), Reply::error(429, "TooManyRequestsException"), Reply::Silent] {
        let started = tokio::time::Instant::now();
        let error = invoke(reply).await.unwrap_err();
        assert!(matches!(&error, InvokeError::Aws(error) if error.class == ErrorClass::Transient), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(61));
    }
    let failed = json!({"errorType": "denied", "errorMessage": "canary"});
    let error = invoke(Reply::FunctionError(failed)).await.unwrap_err();
    assert_eq!(error.to_string(), "the function failed: denied");
    assert!(!format!("{error:?}").contains("canary"));
    let InvokeError::Function { message, .. } = error else { panic!("{error:?}") };
    assert_eq!(message.0, "canary");
}
