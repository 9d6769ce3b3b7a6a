//! The middleware of every API call: the list of calls, faults, authentication and idempotency keys.

use crate::World;
use crate::calls::Call;
use crate::clock::http_date;
use crate::faults::{Dropped, Fault, dropped};
use crate::platforms;
use crate::rejection::{Dialect, Rejection};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;
use std::sync::Arc;
use webhook::Platform;

/// In bytes, far more than any response here.
const LONGEST_RESPONSE: usize = 16 << 20;

/// The call runs in its own task, because a client that disconnects does not undo what it requested. The response has the
/// date of the simulator's clock.
pub(crate) async fn gate(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let date = http_date(world.clock.now());
    let call = tokio::spawn(take(world, request, next));
    let mut response = call.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    if let Ok(date) = HeaderValue::try_from(date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn take(world: Arc<World>, request: Request, next: Next) -> Response {
    let (platform, path) = platforms::of(request.uri().path());
    let (method, path) = (request.method().as_str().to_owned(), path.to_owned());
    let idempotency_key = text(request.headers(), "idempotency-key").map(Cow::into_owned);
    let (site, dialect) = (world.site(platform), Dialect::of(platform, &path));
    let call = Call { method: method.clone(), path: path.clone(), idempotency_key, status: None };
    let number = site.calls.begin(call);

    let fault = site.faults.take(number, &method, &path);
    let instead = fault.as_ref().and_then(|fault| fault.instead(dialect, &world.clock));
    let response = match instead {
        Some(response) => response,
        None => {
            let done = carry_out(&world, (platform, dialect), request, next, fault.as_ref()).await;
            let done = done.unwrap_or_else(|rejection| dialect.respond(&rejection));
            if fault == Some(Fault::DropResponse) { dropped() } else { done }
        }
    };
    if response.extensions().get::<Dropped>().is_none() {
        site.calls.end(number, response.status().as_u16());
    }
    response
}

async fn carry_out(
    world: &World,
    (platform, dialect): (Platform, Dialect),
    request: Request,
    next: Next,
    fault: Option<&Fault>,
) -> Result<Response, Rejection> {
    let site = world.site(platform);
    authenticate(platform, request.headers(), &site.options().api_key)?;
    if request.method() == Method::GET {
        site.count_get(platform, world.clock.now())?;
    }
    // Only POST requests of v3 have idempotency keys.
    let is_keyed = dialect == Dialect::V3 && request.method() == Method::POST;
    let key = text(request.headers(), "idempotency-key").filter(|_| is_keyed).map(Cow::into_owned);
    if let Some(key) = &key
        && let Some((status, body)) = world.idempotency.claim(key, world.clock.now())?
    {
        return Ok(json(status, Body::from(body)));
    }
    if let Some(Fault::Stall(time)) = fault {
        tokio::time::sleep(*time).await;
    }
    let response = next.run(request).await;
    let response = match response.extensions().get::<Rejection>() {
        Some(rejection) => dialect.respond(rejection),
        None => response,
    };
    let edit = match fault {
        Some(Fault::Edit(edit)) => Some(edit),
        _ => None,
    };
    if key.is_none() && edit.is_none() {
        return Ok(response);
    }
    let status = response.status();
    let body = to_bytes(response.into_body(), LONGEST_RESPONSE).await.unwrap_or_default();
    let (status, body) = edit.map_or((status, body.clone()), |edit| edit.apply(status, &body));
    if let Some(key) = key {
        world.idempotency.store(&key, (status, body.clone()));
    }
    Ok(json(status, Body::from(body)))
}

/// Each platform has its own way to send a key. HeyGen's v3 takes it as a bearer token, too. D-ID's key is sent as it was
/// issued, which is how integrators do it.
pub(crate) fn authenticate(platform: Platform, headers: &HeaderMap, api_key: &str) -> Result<(), Rejection> {
    let (key, token) = (text(headers, "x-api-key"), text(headers, "authorization"));
    let is_right = match platform {
        Platform::HeyGen => match (&key, &token) {
            (Some(key), _) => key == api_key,
            (None, Some(token)) => token.strip_prefix("Bearer ") == Some(api_key),
            (None, None) => false,
        },
        Platform::Synthesia => token.as_deref() == Some(api_key),
        Platform::ElevenLabs => text(headers, "xi-api-key").as_deref() == Some(api_key),
        Platform::Tavus => key.as_deref() == Some(api_key),
        Platform::Did => token.as_deref().and_then(|token| token.strip_prefix("Basic ")) == Some(api_key),
    };
    if is_right { Ok(()) } else { Err(Rejection::unauthorized()) }
}

/// A value that is not UTF-8 counts as a wrong value, not as an absent one.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

fn json(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
