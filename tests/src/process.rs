//! The real binary as a process of its own, for tests of crashes and of several nodes.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Client, graphql::Tokens};

pub struct Process {
    child: Child,
    pub port: u16,
}

/// Beside the test's own binary.
pub fn binary() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let binary = path.join("bikelease");
    assert!(
        binary.exists(),
        "{} is missing: run the tests by `make test`, which builds it",
        binary.display()
    );
    binary
}

pub fn command<V: AsRef<OsStr>>(settings: &[(&str, V)], arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env("BIKELEASE_LOG", "warn").kill_on_drop(true);
    for (name, value) in settings {
        command.env(name, value);
    }
    command
}

/// What a command said, and its exit code.
pub async fn run<V: AsRef<OsStr>>(settings: &[(&str, V)], arguments: &[&str]) -> (String, i32) {
    let output = command(settings, arguments).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.code().unwrap())
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Process {
    /// A serving node, ready.
    pub async fn serve<V: AsRef<OsStr>>(settings: &[(&str, V)], arguments: &[&str]) -> Self {
        let port = free_port();
        let port_text = port.to_string();
        let mut all = vec!["serve", "--port", &port_text];
        all.extend_from_slice(arguments);
        let mut command = command(settings, &all);
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let process = Self { child, port };
        process.ready().await;
        process
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn client(&self, token: Option<String>) -> Client {
        let tokens = Arc::new(Mutex::new(Tokens { access: token, refresh: None }));
        Client { http: reqwest::Client::new(), url: self.url(), tokens, tenant: None }
    }

    async fn ready(&self) {
        let started = Instant::now();
        let http = reqwest::Client::new();
        while started.elapsed() < Duration::from_secs(60) {
            if let Ok(answer) = http.get(format!("{}/readyz", self.url())).send().await
                && answer.status().is_success()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the node was not ready within a minute");
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// As the kernel does it when memory runs out.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// As an orchestrator does it; gives the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        let id = self.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        self.child.wait().await.unwrap().code()
    }
}
