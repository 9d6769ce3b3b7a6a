//! What the API logs of each request.

use crate::none;
use crate::template::{Template, texts};

/// The path of a callback ends with its token.
#[test]
fn the_access_log_of_the_api_has_no_path() {
    let template = Template::read();
    let formats = texts(template.at(&["Resources", "ApiStage", "Properties", "AccessLogSettings"]));
    let variables: Vec<_> = formats
        .iter()
        .flat_map(|text| text.split("$context.").skip(1).map(|rest| &rest[..rest.find('"').unwrap()]))
        .collect();
    assert!(variables.contains(&"requestId"), "{variables:?}");
    let with_path = variables.iter().filter(|name| name.to_lowercase().contains("path"));
    none(with_path.map(|name| format!("template.yaml: the API's access log has $context.{name}")).collect());
}
