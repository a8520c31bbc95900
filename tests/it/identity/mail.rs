//! E-mail really leaves: over SMTP, to a foreign server.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use rstest::rstest;
use tests::{
    Shape::{self, Embedded},
    TestApp, json,
};

use super::email_of;

/// A mail server that prints what it gets: Python's aiosmtpd.
struct Server {
    child: Child,
    port: u16,
    output: std::path::PathBuf,
}

impl Server {
    async fn start() -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let output = std::env::temp_dir().join(format!("bikelease-mail-{port}"));
        let file = std::fs::File::create(&output).unwrap();
        let python =
            std::env::var("BIKELEASE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let child = Command::new(python)
            .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
            .stdout(file)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port, output };
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("aiosmtpd does not listen: tests/services installs it");
    }

    async fn received(&self) -> String {
        for _ in 0..200 {
            let text = std::fs::read_to_string(&self.output).unwrap();
            if text.contains("END MESSAGE") {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail arrived");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.output);
    }
}

#[rstest]
#[tokio::test]
async fn a_code_arrives_by_mail_and_phones_are_out_of_reach(#[values(Embedded)] shape: Shape) {
    let server = Server::start().await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let settings = [
        ("BIKELEASE_SMTP_URL", url.as_str()),
        ("BIKELEASE_MAIL_FROM", "Velo Nord <rent@velo-nord.example>"),
    ];
    let app = TestApp::start_with(shape, &settings).await;
    let fleet = app.fleet("Velo Nord").await;
    let email = email_of(&fleet).await;
    let anyone = app.anonymous(None);
    let input = json!({"tenant": fleet.slug, "email": email});
    anyone.mutate("requestSignInCode", "accepted", input).await.ok();

    let mail = server.received().await;
    assert!(mail.contains(&format!("To: {email}")), "{mail}");
    assert!(mail.contains("From: \"Velo Nord\" <rent@velo-nord.example>"), "{mail}");
    let digits = mail.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap();
    let shown = json!({"tenant": fleet.slug, "email": email, "code": digits});
    anyone.mutate("signInWithCode", "accessToken", shown).await.ok();

    let phone = json!({"tenant": fleet.slug, "phone": "+254700123456"});
    let refused = anyone.mutate("requestSignInCode", "accepted", phone).await;
    assert_eq!(refused.code(), "DELIVERY_UNAVAILABLE");
    let page = app.http().get(format!("{}/dev/outbox", app.url())).send().await.unwrap();
    assert_eq!(page.status(), 404);
}

#[rstest]
#[tokio::test]
async fn developers_read_the_outbox(#[values(Embedded)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    super::set(&fleet, json!({"name": "<b>Velo</b>"})).await;
    let input = json!({"tenant": fleet.slug, "email": email_of(&fleet).await});
    app.anonymous(None).mutate("requestSignInCode", "accepted", input).await.ok();
    let code = app.code_sent_to(&email_of(&fleet).await).await;
    let url = format!("{}/dev/outbox", app.url());
    let page = app.http().get(&url).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains(&code) && page.contains("&lt;b&gt;Velo") && !page.contains("<b>Velo"),
        "{page}"
    );
    let json = app.http().get(&url).header("accept", "application/json").send().await.unwrap();
    let json: tests::Value = json.json().await.unwrap();
    assert!(json[0]["text"].as_str().unwrap().contains(&code));
}
