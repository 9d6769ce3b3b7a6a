//! The configured endpoints, from a parameter of SSM if one is configured: a function's variables have 4 KB in all.

use crate::config::Config;
use crate::desired::{self, Desired};
use crate::error::{Error, ParameterProblem};
use crate::store::Store;
use aws::signed::{Calls, Service};
use serde_json::json;

/// Reads the parameter again each time, so that a sync applies what has changed. Without it there is nothing to plan with:
/// an error is not the same as no endpoints.
pub(crate) async fn desired(config: &Config, store: &Store) -> Result<Desired, Error> {
    let (names, others) = (config.deployment.names(), &config.platforms.endpoints);
    let Some(name) = &config.endpoints_parameter else {
        return Ok(desired::desired(&config.endpoints_json, names, others)?);
    };
    let error = |problem| Error::EndpointsParameter { name: name.clone(), problem };
    let text = read(store.calls(), name).await.map_err(error)?;
    desired::desired(&text, names, others).map_err(|invalid| error(ParameterProblem::Invalid(invalid)))
}

async fn read(calls: &Calls, name: &str) -> Result<String, ParameterProblem> {
    let response = calls.json(Service::Ssm, "ssm:GetParameter", &json!({ "Name": name })).await;
    let response = response.map_err(|error| match error.code.as_str() {
        "ParameterNotFound" => ParameterProblem::Missing,
        _ => ParameterProblem::Aws(error),
    })?;
    let parameter = response.get("Parameter").ok_or(ParameterProblem::Missing)?;
    match parameter["Type"].as_str() {
        None | Some("String") => {}
        Some(other) => return Err(ParameterProblem::Type(other.to_owned())),
    }
    // The default of an empty text, all endpoints with all events, is not meant here.
    let text = parameter["Value"].as_str().filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or(ParameterProblem::Empty)
}
