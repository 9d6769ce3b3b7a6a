//! MiniStack: runs the functions as plain processes, and enforces signatures and IAM policies.

use super::Launch;
use crate::stack::Credentials;
use crate::stack_dir::workspace;
use crate::supervisor::Program;
use crate::tools::Tools;

/// The root keys of MiniStack's account.
const KEY: &str = "test";

pub fn launch(tools: &Tools, port: u16) -> Launch {
    let endpoint = format!("http://127.0.0.1:{port}");
    let env: [(&str, &str); 8] = [
        ("AUTH", "true"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("GATEWAY_PORT", &port.to_string()),
        ("BIND_HOST", "127.0.0.1"),
        // An IP address here gives the API a host name that lambda_http panics on.
        ("MINISTACK_HOST", "localhost"),
        // The functions inherit it: that is how they find this AWS.
        ("AWS_ENDPOINT_URL", &endpoint),
        // Nothing is written beside run_ministack.py.
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    let program = Program {
        command: vec![tools.program("python").into(), workspace().join("crates/local/python/run_ministack.py").into()],
        env: env.map(|(name, value)| (name, value.into())).to_vec(),
        stop: Vec::new(),
    };
    let credentials = Credentials { access_key_id: KEY.to_owned(), secret_access_key: KEY.to_owned() };
    Launch { program, endpoint, health: "/_ministack/health", credentials }
}

/// The stage `$default` is found without being named, and its name would trouble a shell.
pub fn api_url(endpoint: &str, api_id: &str) -> String {
    format!("{endpoint}/_aws/execute-api/{api_id}")
}
