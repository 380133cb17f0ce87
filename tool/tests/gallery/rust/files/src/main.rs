//! Serves a file by axum, with tower-http's service for files: `files FILE`. Prints its port.

use axum::Router;
use tokio::net::TcpListener;
use tower_http::services::ServeFile;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).expect("a file");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        let files = Router::new().route_service("/file", ServeFile::new(path));
        axum::serve(listener, files).await
    })
}
