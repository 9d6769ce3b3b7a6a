//! An HTTP/1 server on loopback, on its own thread, which can close a connection without a response.

use crate::error::{Context, Result};
use crate::faults::Dropped;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::sync::oneshot;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    handle: Handle,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(router: Router) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("Starting a runtime")?;
        let listener =
            runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).context("Listening on loopback")?;
        let address = listener.local_addr().context("Listening on loopback")?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || run(runtime, listener, router, stopped))
            .context("Starting a thread")?;
        Ok(Server { address, handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Its base URL, without a trailing slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Tasks that are spawned while the guard exists run on the server's thread, until the server stops.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has no result, and a panic in a drop would hide the failure of the test.
            let _ = thread.join();
        }
    }
}

fn run(runtime: Runtime, listener: TcpListener, router: Router, stopped: oneshot::Receiver<Infallible>) {
    runtime.block_on(async {
        tokio::select! {
            () = accept(listener, router) => {}
            _ = stopped => {}
        }
    });
    // Does not wait for deliveries to receivers that do not respond.
    runtime.shutdown_background();
}

async fn accept(listener: TcpListener, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, router.clone()));
    }
}

async fn serve(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = TowerToHyperService::new(router.clone()).call(request);
        async move {
            match response.await {
                // An error makes hyper close the connection without a response.
                Ok(response) if response.extensions().get::<Dropped>().is_some() => Err(io::Error::other("dropped")),
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        }
    });
    // An error means that either side closed the connection, which is expected here.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
