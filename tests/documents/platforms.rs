//! Every platform is everywhere that the compiler does not see: in the template, the documents and the samples.

use crate::markdown::Document;
use crate::none;
use local::stack_dir::workspace;
use std::fs;
use webhook::Platform;

/// The beginning of the names of a platform's parameters.
fn parameter(platform: Platform) -> &'static str {
    match platform {
        Platform::HeyGen => "",
        Platform::Synthesia => "Synthesia",
        Platform::ElevenLabs => "ElevenLabs",
        Platform::Tavus => "Tavus",
        Platform::Did => "Did",
    }
}

#[test]
fn every_platform_is_in_the_template_the_documents_and_the_samples() {
    let template = fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let pattern = template.lines().find(|line| line.contains("AllowedPattern: \"((synthesia|")).unwrap();
    let document = Document::read("docs/platforms.md").text;
    let mut problems = Vec::new();
    for platform in Platform::ALL {
        let (name, title) = (platform.name(), platform.title());
        let mut needs = |is_there: bool, what: String| {
            if !is_there {
                problems.push(what);
            }
        };
        needs(pattern.contains(name), format!("template.yaml: {name} is not in PlatformEndpoints's AllowedPattern"));
        if platform == Platform::HeyGen {
            continue;
        }
        for (suffix, variable) in [("ApiKeySecret", "API_KEY_SECRET"), ("BaseUrl", "BASE_URL")] {
            let (parameter, variable) =
                (format!("{}{suffix}", parameter(platform)), format!("{}_{variable}", name.to_uppercase()));
            needs(
                template.contains(&format!("\n  {parameter}:\n")),
                format!("template.yaml: no parameter {parameter}"),
            );
            let is_given = template.contains(&format!("{variable}: !Ref {parameter}"));
            needs(is_given, format!("template.yaml: no function has the variable {variable} from {parameter}"));
        }
        let may_read = template.contains(&format!("secret:${{{}ApiKeySecret}}-??????", parameter(platform)));
        needs(may_read, format!("template.yaml: no role may read the key of {title}"));
        needs(
            document.contains(&format!("| {title} |")),
            format!("docs/platforms.md: the first table has no column {title}"),
        );
        for kind in platforms::kinds(platform) {
            let kind = kind.rsplit('.').next().unwrap();
            let is_there = document.contains(&format!("`{name}.{kind}`")) || document.contains(&format!("`.{kind}`"));
            needs(is_there, format!("docs/platforms.md: the kind {name}.{kind} is missing"));
        }
        let samples = workspace().join("events/deliveries").join(name);
        let has_samples = fs::read_dir(&samples).is_ok_and(|mut entries| entries.next().is_some());
        needs(has_samples, format!("events/deliveries/{name}: there are no samples"));
    }
    none(problems);
}
