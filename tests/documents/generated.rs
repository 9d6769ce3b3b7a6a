//! The tables that are made from `template.yaml` and from the schema of job events.

use crate::markdown::Document;
use crate::none;
use crate::template::{Template, scalar, texts};
use local::stack_dir::workspace;
use serde_json::Value;
use std::fs;
use yaml_rust2::Yaml;

const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p tests --test documents";

#[test]
fn generated_tables_are_up_to_date() {
    let template = Template::read();
    let tables = [
        ("docs/reference.md", "parameters", parameters(&template)),
        ("docs/reference.md", "outputs", outputs(&template)),
        ("docs/reference.md", "job-event", job_event()),
        ("docs/reference.md", "replies", replies()),
        ("docs/reference.md", "variables", variables(&template)),
        ("docs/security.md", "permissions", permissions(&template)),
    ];
    let mut problems = Vec::new();
    for (path, name, table) in tables {
        let document = Document::read(path);
        let begin = format!("<!-- generated: {name} -->\n");
        let parts =
            document.text.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once("<!-- end -->")?)));
        let Some((head, (old, tail))) = parts else {
            problems.push(format!("{path}: there is no {} … <!-- end -->. Put it back", begin.trim()));
            continue;
        };
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(workspace().join(path), format!("{head}{begin}{table}<!-- end -->{tail}")).unwrap();
        } else if old != table {
            let is = |text: &str, line: &str| text.lines().any(|other| other == line);
            let missing = table.lines().filter(|line| !is(old, line)).map(|line| format!("\n  missing: {line}"));
            let outdated = old.lines().filter(|line| !is(&table, line)).map(|line| format!("\n  outdated: {line}"));
            let lines: String = missing.chain(outdated).collect();
            problems.push(format!("{path}: the table \"{name}\" is not up to date. Run `{UPDATE}`{lines}"));
        }
    }
    none(problems);
}

fn row(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.trim().replace('|', "\\|").replace('\n', " ")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn table(heading: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let columns = heading.split(" | ").count();
    let rows: String = rows.map(|cells| row(&cells)).collect();
    format!("| {heading} |\n|{}\n{rows}", "---|".repeat(columns))
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn codes(values: &[String]) -> String {
    values.iter().map(|value| code(value)).collect::<Vec<_>>().join(", ")
}

fn text(value: &Yaml) -> String {
    scalar(value).unwrap_or_default()
}

fn parameters(template: &Template) -> String {
    let groups = template.at(&["Metadata", "AWS::CloudFormation::Interface", "ParameterGroups"]).as_vec().unwrap();
    let mut missing: Vec<_> = template.entries(&["Parameters"]).into_iter().map(|(name, _)| name).collect();
    let mut tables = String::new();
    for group in groups {
        let names = texts(&group["Parameters"]);
        missing.retain(|name| !names.iter().any(|grouped| grouped == name));
        let rows = names.iter().map(|name| {
            let parameter = template.at(&["Parameters", name]);
            vec![code(name), code(&text(&parameter["Default"])), allowed(parameter), text(&parameter["Description"])]
        });
        let label = text(&group["Label"]["default"]);
        tables.push_str(&format!("### {label}\n\n{}\n", table("parameter | default | allowed | description", rows)));
    }
    assert!(missing.is_empty(), "template.yaml: {missing:?} is in no group of ParameterGroups. Add it to one");
    tables
}

fn allowed(parameter: &Yaml) -> String {
    let (least, most) = (scalar(&parameter["MinValue"]), scalar(&parameter["MaxValue"]));
    if let Some(values) = parameter["AllowedValues"].as_vec() {
        return codes(&values.iter().map(text).collect::<Vec<_>>());
    }
    match (least, most, scalar(&parameter["MaxLength"])) {
        (Some(least), Some(most), _) => format!("{least} to {most}"),
        (Some(least), None, _) => format!("{least} or more"),
        (_, _, Some(length)) => format!("at most {length} characters"),
        _ => text(&parameter["ConstraintDescription"]),
    }
}

fn outputs(template: &Template) -> String {
    let rows = template.entries(&["Outputs"]).into_iter().map(|(name, output)| {
        let condition = scalar(&output["Condition"]).and_then(|condition| template.parameter_of(&condition));
        let only = condition.map(|parameter| format!(" Only with `{parameter}`.")).unwrap_or_default();
        vec![code(name), text(&output["Description"]) + &only]
    });
    table("output | contents", rows)
}

fn variables(template: &Template) -> String {
    let mut rows: Vec<(String, Vec<&str>, String)> = Vec::new();
    for function in ["Receiver", "Processor", "Admin", "Recovery"] {
        let path = ["Resources", function, "Properties", "Environment", "Variables"];
        let own = template.entries(&path);
        for (name, value) in
            template.entries(&["Globals", "Function", "Environment", "Variables"]).into_iter().chain(own)
        {
            let set_to = set_to(template, value);
            match rows.iter_mut().find(|(known, _, known_value)| known == name && *known_value == set_to) {
                Some((_, functions, _)) => functions.push(function),
                None => rows.push((name.to_owned(), vec![function], set_to)),
            }
        }
    }
    rows.sort();
    let rows = rows.into_iter().map(|(name, functions, value)| {
        let functions: Vec<_> = functions.into_iter().map(str::to_lowercase).map(|name| code(&name)).collect();
        vec![code(&name), functions.join(", "), value]
    });
    table("variable | functions | set to", rows)
}

/// What a variable is set to: parameters, resources and texts, without the conditions that choose.
fn set_to(template: &Template, value: &Yaml) -> String {
    let values = texts(value)
        .into_iter()
        .filter(|text| !["", ","].contains(&text.as_str()) && template.at(&["Conditions", text]).is_badvalue());
    values.map(|text| code(&text)).collect::<Vec<_>>().join(" or ")
}

fn permissions(template: &Template) -> String {
    let roles = [
        ("`receiver`", "ReceiverRole"),
        ("`processor`", "ProcessorRole"),
        ("`admin`", "AdminRole"),
        ("`recovery`", "RecoveryRole"),
        ("the pipe", "JobEventsRole"),
    ];
    let rows = roles.into_iter().flat_map(|(whose, role)| {
        let policies = template.at(&["Resources", role, "Properties", "Policies"]).as_vec().unwrap();
        let statements = policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_vec().unwrap());
        // `!If [condition, statement, nothing]`.
        let statements = statements.map(|statement| statement.as_vec().map_or(statement, |choice| &choice[1]));
        statements.filter_map(move |statement| {
            let actions = texts(&statement["Action"]);
            let common = ["logs:", "xray:", "kms:"].iter().any(|service| actions[0].starts_with(service));
            // One, several, or `!If [condition, one, another]`.
            let resources = &statement["Resource"];
            let resources = resources.as_vec().map_or(std::slice::from_ref(resources), Vec::as_slice);
            let is_choice = !template.at(&["Conditions", &text(&resources[0])]).is_badvalue();
            let resources = &resources[usize::from(is_choice)..];
            let resources: Vec<_> = resources.iter().map(|one| code(&resource(&text(one)))).collect();
            let joined = resources.join(if is_choice { " or " } else { ", " });
            (!common).then(|| vec![whose.to_owned(), codes(&actions), joined])
        })
    });
    table("who | may | on", rows)
}

fn resource(arn: &str) -> String {
    let name = arn.rsplit_once("${AWS::AccountId}:").map_or(arn, |(_, name)| name);
    let name = name.strip_suffix(".Arn").unwrap_or(name);
    name.replace("${Table.Arn}", "Table")
        .replace("parameter${", "parameter/${")
        .replace("${EndpointsParameter}", "EndpointsParameter")
        .replace("${AWS::StackName}", "STACK")
        .replace("${ApiKeySecret}", "ApiKeySecret")
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(workspace().join(path)).unwrap()).unwrap()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn replies() -> String {
    let schema = json("crates/admin/reply.schema.json");
    let rows = schema["oneOf"].as_array().unwrap().iter().map(|reply| {
        let mut fields = strings(&reply["required"]);
        fields.retain(|field| field != "action" && field != "text");
        vec![code(reply["properties"]["action"]["const"].as_str().unwrap()), codes(&fields)]
    });
    table("`action` | fields besides `action` and `text`", rows)
}

fn job_event() -> String {
    let schema = json("events/eventbridge/job-event.schema.json");
    let properties = schema["properties"].as_object().unwrap();
    let required = strings(&schema["required"]);
    let optional = properties.keys().filter(|name| !required.contains(name));
    let rows = required.iter().chain(optional).map(|name| {
        let property = &properties[name];
        let values = match (&property["const"], &property["enum"], &property["$ref"]) {
            (Value::String(only), _, _) => code(only),
            (_, values @ Value::Array(_), _) => codes(&strings(values)),
            (_, _, Value::String(kind)) => kind.rsplit('/').next().unwrap().to_owned(),
            _ => property["type"].as_str().unwrap_or_default().to_owned(),
        };
        vec![code(name), values, property["description"].as_str().unwrap_or_default().to_owned()]
    });
    table("field | value | description", rows)
}
