//! AWS's XML as JSON: `<member>` elements are a list, other elements fields, and everything else text.

use crate::error::{Error, Result};
use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// The content of `<ActionResult>`; null if there is none.
pub fn result(xml: &str, action: &str) -> Result<Value> {
    let document = Document::parse(xml).map_err(|why| Error::Failed(format!("the response to {action}: {why}")))?;
    let name = format!("{action}Result");
    let result = document.descendants().find(|node| node.is_named(&name));
    Ok(result.map_or(Value::Null, to_json))
}

/// The text of the first `<Message>`.
pub fn message(xml: &str) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let node = document.descendants().find(|node| node.is_named("Message"))?;
    node.text().map(str::to_owned)
}

trait Named {
    /// In any namespace.
    fn is_named(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    fn is_named(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn to_json(node: Node<'_, '_>) -> Value {
    let mut children = node.children().filter(Node::is_element).peekable();
    match children.peek() {
        None => Value::String(node.text().unwrap_or_default().to_owned()),
        Some(first) if first.is_named("member") => children.map(to_json).collect(),
        Some(_) => Value::Object(
            children.map(|child| (child.tag_name().name().to_owned(), to_json(child))).collect::<Map<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_result_is_read_with_its_lists_and_without_its_namespace() {
        let xml = r#"<DescribeStacksResponse xmlns="https://example.invalid/"><DescribeStacksResult><Stacks>
            <member><StackName>a &amp; b</StackName><Outputs><member><OutputKey>Url</OutputKey></member></Outputs></member>
            </Stacks></DescribeStacksResult></DescribeStacksResponse>"#;
        let stacks = json!([{"StackName": "a & b", "Outputs": [{"OutputKey": "Url"}]}]);
        assert_eq!(result(xml, "DescribeStacks").unwrap(), json!({ "Stacks": stacks }));
        assert_eq!(result("<DeleteStackResponse/>", "DeleteStack").unwrap(), Value::Null);
        assert!(result("no XML", "DeleteStack").is_err());
    }
}
