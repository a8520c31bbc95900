//! The real binary as a process of its own, for tests of crashes and of several nodes.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
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
        Self::serve_at(free_port(), settings, arguments).await
    }

    pub async fn serve_at<V: AsRef<OsStr>>(
        port: u16,
        settings: &[(&str, V)],
        arguments: &[&str],
    ) -> Self {
        let port_text = port.to_string();
        let mut all = vec!["serve", "--port", &port_text];
        all.extend_from_slice(arguments);
        Self::spawn(port, command(settings, &all)).await
    }

    /// As `serve`; its log goes into a file.
    pub async fn serve_with_log<V: AsRef<OsStr>>(
        settings: &[(&str, V)],
        arguments: &[&str],
        log: &Path,
    ) -> Self {
        let port = free_port();
        let port_text = port.to_string();
        let mut all = vec!["serve", "--port", &port_text];
        all.extend_from_slice(arguments);
        let mut command = command(settings, &all);
        command.stderr(std::fs::File::create(log).unwrap());
        Self::spawn(port, command).await
    }

    async fn spawn(port: u16, mut command: Command) -> Self {
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

/// A Redis that a test may stop, start again, and torment.
pub struct OwnRedis {
    child: Child,
    pub port: u16,
}

impl OwnRedis {
    pub async fn start() -> Self {
        Self::start_at(free_port()).await
    }

    pub async fn start_at(port: u16) -> Self {
        let server = std::env::var("BIKELEASE_TEST_REDIS_SERVER");
        let child = Command::new(server.unwrap_or_else(|_| "redis-server".to_owned()))
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { child, port }
    }

    pub async fn stop(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// One command in a line, without waiting for more than its answer's first bytes.
    pub async fn command(&self, line: &str) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        connection.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 64];
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.read(&mut answer)).await;
        assert_ne!(answer[0], b'-', "{line}: {}", String::from_utf8_lossy(&answer));
    }

    /// The same settings with this Redis in place of another.
    pub fn settings(
        &self,
        mut settings: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        settings.retain(|(name, _)| *name != "BIKELEASE_REDIS_URL");
        settings.push(("BIKELEASE_REDIS_URL", format!("redis://127.0.0.1:{}", self.port)));
        settings
    }
}
