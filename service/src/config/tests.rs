//! What a configuration may say, and how a bad one is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const STRONG: &str = "f3b1c7d20984ae65c1d8837fe2094b6a";

fn from_variables(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load(None, vars)
}

fn from_file(text: &str) -> Result<Config, ConfigError> {
    load(Some(text), &[])
}

fn load(text: Option<&str>, vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(text.map(|text| ("fleet.toml", text)), vars)
}

fn message(refused: Result<Config, ConfigError>) -> String {
    refused.unwrap_err().to_string()
}

#[test]
fn nothing_configured_is_a_development_server_on_sqlite() {
    let config = from_variables(&[("PATH", "/bin"), ("BIKELEASE_TEST_POSTGRES_URL", "x")]).unwrap();

    assert_eq!(config.env, Environment::Development);
    assert_eq!((config.host.to_string().as_str(), config.port), ("127.0.0.1", 8000));
    assert_eq!(config.database_url.expose(), "sqlite://./data/bikelease.db?mode=rwc");
    assert_eq!(config.database_pool, 16);
    assert_eq!(config.default_tenant.as_deref(), Some("bayarea"));
    assert!(config.demo && config.redis_url.is_none() && config.secret.is_none());
    assert_eq!((config.shutdown_grace_seconds, config.event_retention_hours), (15, 72));
}

#[test]
fn variables_replace_the_file_and_the_file_replaces_defaults() {
    let file = "port = 1\ndatabase_pool = 4\ndata_dir = '/var/lib/bikelease'\ndemo = false";
    let vars = [("BIKELEASE_PORT", " 2 "), ("BIKELEASE_DEMO", "true"), ("BIKELEASE_CONFIG", "x")];
    let config = load(Some(file), &vars).unwrap();

    assert_eq!((config.port, config.database_pool, config.demo), (2, 4, true));
    assert_eq!(config.database_url.expose(), "sqlite:///var/lib/bikelease/bikelease.db?mode=rwc");
}

#[test]
fn an_empty_value_takes_an_optional_key_back() {
    let file = "redis_url = 'redis://bus'\nallowed_origins = ['https://a.example']";
    let vars = [
        ("BIKELEASE_REDIS_URL", ""),
        ("BIKELEASE_ALLOWED_ORIGINS", ""),
        ("BIKELEASE_DEFAULT_TENANT", ""),
    ];
    let config = load(Some(file), &vars).unwrap();

    assert!(config.redis_url.is_none() && config.default_tenant.is_none());
    assert!(config.allowed_origins.is_empty());
    // Otherwise an unset variable in a script would turn production into development.
    assert!(from_variables(&[("BIKELEASE_ENV", "")]).is_err());
}

#[test]
fn origins_are_a_list_in_the_file_and_commas_in_the_variable() {
    let expected = ["https://fleet.example", "http://localhost:5173"];
    let text = "allowed_origins = ['https://Fleet.example', 'http://localhost:5173']";
    let variable = "https://fleet.example, http://localhost:5173";

    assert_eq!(from_file(text).unwrap().allowed_origins, expected);
    let config = from_variables(&[("BIKELEASE_ALLOWED_ORIGINS", variable)]).unwrap();
    assert_eq!(config.allowed_origins, expected);
    for bad in ["*", "fleet.example", "https://fleet.example/app", "ftp://fleet.example"] {
        assert!(from_variables(&[("BIKELEASE_ALLOWED_ORIGINS", bad)]).is_err(), "{bad}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one_and_all_others() {
    let variable = message(from_variables(&[("BIKELEASE_PROT", "8000")]));
    assert!(
        variable.starts_with("BIKELEASE_PROT is not known; did you mean BIKELEASE_PORT? allowed: "),
        "{variable}"
    );
    assert!(variable.contains(", BIKELEASE_EVENT_RETENTION_HOURS"), "{variable}");
    let key = message(from_file("database-url = 'sqlite://x'"));
    assert!(
        key.starts_with("database-url in fleet.toml is not known; did you mean database_url?"),
        "{key}"
    );
    assert!(from_file("[server]\nport = 1").is_err());
    assert!(from_variables(&[("BIKELEASE_port", "1")]).is_err());
}

#[test]
fn a_malformed_value_is_refused_with_its_kind_and_what_is_allowed() {
    let cases = [
        (
            "BIKELEASE_PORT",
            "70000",
            "BIKELEASE_PORT is the number 70000; allowed: a whole number from 0",
        ),
        ("BIKELEASE_PORT", "http", "BIKELEASE_PORT is a text of 4 characters; allowed"),
        ("BIKELEASE_HOST", "", "BIKELEASE_HOST is empty; allowed: an IP address"),
        ("BIKELEASE_DEMO", "yes", "BIKELEASE_DEMO is a text of 3 characters; allowed: true or"),
        ("BIKELEASE_ENV", "prod", "BIKELEASE_ENV is a text of 4 characters; allowed: development"),
    ];
    for (name, value, expected) in cases {
        let message = message(from_variables(&[(name, value)]));
        assert!(message.starts_with(expected), "{message}");
    }
    let text = message(from_file("port = '8000'"));
    assert!(text.starts_with("port in fleet.toml is a text of 4 characters"), "{text}");
}

#[test]
fn every_key_is_read() {
    for (key, allowed) in KEYS {
        let message = message(from_file(&format!("{key} = {{}}")));
        assert_eq!(message, format!("{key} in fleet.toml is a table; allowed: {allowed}"));
    }
}

#[test]
fn the_limits_of_a_query_are_configured_one_by_one() {
    assert_eq!(from_variables(&[]).unwrap().query, QueryLimits::default());
    let text = "query_aliases = 0\nquery_nesting = 64";
    let expected = QueryLimits { aliases: 0, nesting: 64, ..QueryLimits::default() };
    assert_eq!(from_file(text).unwrap().query, expected);
    for beyond in ["query_nesting = 65", "query_root_fields = 0", "query_bytes = 2000000"] {
        assert!(from_file(beyond).is_err(), "{beyond}");
    }
}

#[test]
fn addresses_of_other_products_are_refused() {
    for bad in ["mysql://h/d", "postgres://", "/data/x.db", "sqlite://:memory:", "sqlite:x.db"] {
        assert!(from_variables(&[("BIKELEASE_DATABASE_URL", bad)]).is_err(), "{bad}");
    }
    for good in ["postgres://h/d", "postgresql:///d?host=/run", "sqlite:///x.db?mode=ro"] {
        let config = from_variables(&[("BIKELEASE_DATABASE_URL", good)]).unwrap();
        assert_eq!(config.database_url.expose(), good);
    }
    assert!(from_variables(&[("BIKELEASE_REDIS_URL", "http://bus")]).is_err());
    let public = from_variables(&[("BIKELEASE_PUBLIC_URL", "https://bikes.example/")]).unwrap();
    assert_eq!(public.public_url.as_deref(), Some("https://bikes.example"));
}

#[test]
fn nothing_shows_a_password() {
    let config = from_variables(&[
        ("BIKELEASE_SECRET", STRONG),
        ("BIKELEASE_DATABASE_URL", "postgres://bikes:hunter2@db/fleet?sslpassword=hunter2"),
        ("BIKELEASE_REDIS_URL", "rediss://:hunter2@bus:6380/1"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2") && !shown.contains(STRONG), "{shown}");
    assert_eq!(config.database_url.to_string(), "postgres://***@db/fleet");

    let refused = [
        from_variables(&[("BIKELEASE_DATABASE_URL", "mysql://bikes:hunter2@db")]),
        from_variables(&[("BIKELEASE_SECRET", "hunter2 hunter2")]),
        from_variables(&[("BIKELEASE_ENV", "production"), ("BIKELEASE_SECRET", "hunter2")]),
        from_file("secret = 'hunter2"),
        from_file("secret = ['hunter2']"),
    ];
    for error in refused.map(Result::unwrap_err) {
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_line() {
    let text = message(from_file("port = 1\n\nhost = 'x\n"));
    assert!(text.starts_with("fleet.toml, line 3: "), "{text}");
}

#[test]
fn production_needs_a_secret_that_nobody_can_guess() {
    let production = |secret: &str| {
        from_variables(&[("BIKELEASE_ENV", "production"), ("BIKELEASE_SECRET", secret)])
    };
    let weak = [
        ("", "missing"),
        (&STRONG[1..], "shorter than 32 characters"),
        ("change-me-change-me-change-me-change-me", "a well-known default"),
        ("0123456789abcdef0123456789abcdef", "a well-known default"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "the same few characters over and over"),
    ];
    for (secret, problem) in weak {
        let message = message(production(secret));
        let start = format!("BIKELEASE_SECRET is {problem}; allowed in production: at least 32 ");
        assert!(message.starts_with(&start), "{message}");
    }
    let config = production(STRONG).unwrap();
    assert_eq!(config.secret().unwrap().expose(), STRONG);
    assert!(!config.demo && config.default_tenant.is_none());
    let missing = message(from_file("env = 'production'"));
    assert!(missing.starts_with("BIKELEASE_SECRET is missing"), "{missing}");
}

#[test]
fn production_has_no_demo() {
    let text = format!("env = 'production'\nsecret = '{STRONG}'\ndemo = true");
    let refused = message(from_file(&text));
    assert!(refused.starts_with("demo in fleet.toml is true, and its logins"), "{refused}");
}

#[test]
fn a_development_secret_is_made_once_and_kept_private() {
    let directory = Directory::new("once");
    let data_dir = directory.0.join("data");
    let vars = [("BIKELEASE_DATA_DIR", data_dir.to_str().unwrap())];
    let config = from_variables(&vars).unwrap();

    let first = config.secret().unwrap();
    assert_eq!(first.expose().len(), 64);
    assert_eq!(config.secret().unwrap().expose(), first.expose());
    let mode = fs::metadata(data_dir.join("secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 1, "no draft is left");

    fs::write(data_dir.join("secret"), "short\n").unwrap();
    let error = config.secret().unwrap_err().to_string();
    assert!(error.ends_with("remove it to get a new secret"), "{error}");
}

#[test]
fn processes_that_start_at_once_share_one_secret() {
    let directory = Directory::new("race");
    let secrets: Vec<String> = std::thread::scope(|scope| {
        let racers = [(); 16].map(|()| scope.spawn(|| load_or_create(&directory.0).unwrap()));
        racers.into_iter().map(|racer| racer.join().unwrap().expose().to_owned()).collect()
    });
    assert!(secrets.iter().all(|secret| *secret == secrets[0]));
}

#[test]
fn a_file_that_is_named_must_exist() {
    let error = Config::read(Some(Path::new("/nowhere/fleet.toml"))).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the configuration file /nowhere/fleet.toml");
}

/// A directory of one test, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("bikelease-config-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
