//! The configured endpoints, from a parameter of SSM if one is configured: a function's variables have 4 KB in all.

use crate::config::Config;
use crate::desired::{DesiredEndpoint, desired_endpoints};
use crate::error::{Error, ParameterProblem};
use crate::store::Store;
use aws::error::AwsError;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;

/// Reads the parameter again each time, so that a sync applies what has changed. Without it there is nothing to plan with:
/// an error is not the same as no endpoints.
pub(crate) async fn desired(config: &Config, store: &Store) -> Result<Vec<DesiredEndpoint>, Error> {
    let names = config.deployment.names();
    let Some(name) = &config.endpoints_parameter else {
        return Ok(desired_endpoints(&config.endpoints_json, names)?);
    };
    let error = |problem| Error::EndpointsParameter { name: name.clone(), problem };
    let text = read(store.parameters(), name).await.map_err(error)?;
    desired_endpoints(&text, names).map_err(|invalid| error(ParameterProblem::Invalid(invalid)))
}

async fn read(client: &Client, name: &str) -> Result<String, ParameterProblem> {
    let response = client.get_parameter().name(name).send().await.map_err(|error| {
        if error.as_service_error().is_some_and(|error| error.is_parameter_not_found()) {
            return ParameterProblem::Missing;
        }
        ParameterProblem::Aws(AwsError::of("ssm:GetParameter", &error))
    })?;
    let parameter = response.parameter.ok_or(ParameterProblem::Missing)?;
    match parameter.r#type {
        None | Some(ParameterType::String) => {}
        Some(other) => return Err(ParameterProblem::Type(other.as_str().to_owned())),
    }
    // The default of an empty text, all endpoints with all events, is not meant here.
    parameter.value.filter(|text| !text.trim().is_empty()).ok_or(ParameterProblem::Empty)
}
