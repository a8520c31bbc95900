//! `bikelease client` and `bikelease operations`, as an operator and a build pipeline type them.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp, json, manifest,
    process::run,
};

const STATIONS: &str = "query Stations { stations { totalCount } }";
const TYPES: &str = "query Types { vehicleTypes { totalCount } }";

/// A tenant, and a directory for manifests.
struct Desk {
    app: TestApp,
    slug: String,
}

impl Desk {
    async fn set_up(shape: Shape) -> Self {
        let app = TestApp::start(shape).await;
        let slug = app.fleet("Velo Nord").await.slug;
        Self { app, slug }
    }

    async fn run(&self, arguments: &[&str]) -> (String, i32) {
        run(&self.app.place.settings(), arguments).await
    }

    async fn operations(&self, action: &str, client: &str, rest: &[&str]) -> (String, i32) {
        let of = ["operations", action, "--tenant", &self.slug, "--client", client];
        self.run(&[&of, rest].concat()).await
    }

    fn file(&self, text: &str) -> String {
        let file = self.app.place.folder.join("manifest.json");
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }
}

/// The last word of a line that ends with an id.
fn id(said: &str) -> String {
    said.split_whitespace().last().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_partner_is_set_up_by_commands(#[values(Embedded, Production)] shape: Shape) {
    let desk = Desk::set_up(shape).await;
    let create = ["client", "create", "--tenant", &desk.slug, "--name", "City"];
    let (said, code) = desk.run(&[&create[..], &["--scope", "bord:read"]].concat()).await;
    assert!(code == 2 && said.contains("board:read"), "{said}");
    let (said, code) = desk.run(&[&create[..], &["--scope", "board:read"]].concat()).await;
    assert_eq!(code, 0, "{said}");
    let client = id(&said);
    let make_key = ["client", "key", "--tenant", &desk.slug, "--client", &client];
    let (said, code) = desk.run(&make_key).await;
    let secret = id(&said);
    assert!(code == 0 && secret.starts_with("blk_"), "{said}");
    let key = said.split([' ', ';']).find(|word| word.starts_with("key_")).unwrap().to_owned();

    let (said, code) =
        desk.operations("diff", &client, &[&desk.file(&manifest(&[STATIONS]))]).await;
    assert!(code == 0 && said.contains("+ Stations"), "{said}");
    let (said, code) =
        desk.operations("publish", &client, &[&desk.file(&manifest(&[STATIONS]))]).await;
    assert!(code == 0 && said.contains("version 1"), "{said}");
    let partner = desk.app.anonymous(None).with_token(Some(secret));
    partner.call(STATIONS, json!({})).await.payload();

    let both =
        desk.file(&manifest(&[TYPES, "query Stations { stations(first: 1) { totalCount } }"]));
    let (said, _) = desk.operations("diff", &client, &[&both]).await;
    assert!(said.contains("+ Types") && said.contains("~ Stations"), "{said}");
    let (said, code) = desk.operations("publish", &client, &[&both]).await;
    assert!(code == 0 && said.contains("version 2"), "{said}");
    let (said, _) = desk.operations("diff", &client, &[&desk.file(&manifest(&[TYPES]))]).await;
    assert!(said.contains("- Stations") && !said.contains("Types"), "{said}");
    let (said, code) = desk.operations("retire", &client, &["--version", "1"]).await;
    assert_eq!(code, 0, "{said}");
    let (said, code) = desk.operations("list", &client, &[]).await;
    let retired = said.lines().filter(|line| line.contains("retired"));
    assert!(code == 0 && retired.count() == 1 && said.contains("Types costs up to"), "{said}");

    let (said, code) = desk.run(&["client", "list", "--tenant", &desk.slug]).await;
    assert!(code == 0 && said.contains(&format!("{client} City: board:read")), "{said}");
    assert!(said.contains(&key) && !said.contains(&partner.token().unwrap()), "{said}");
    let (said, code) = desk.run(&["client", "revoke", "--tenant", &desk.slug, "--key", &key]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(partner.call(TYPES, json!({})).await.status, 401);
}

#[rstest]
#[tokio::test]
async fn a_refused_manifest_is_explained(#[values(Embedded, Production)] shape: Shape) {
    let desk = Desk::set_up(shape).await;
    let create = ["client", "create", "--tenant", &desk.slug, "--name", "City"];
    let client = id(&desk.run(&create).await.0);
    let wrong = manifest(&[STATIONS, "query A {\n  nothing\n}", "query B { me { nmae } }"]);
    let (said, code) = desk.operations("publish", &client, &[&desk.file(&wrong)]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("line 2, column 3") && said.contains("nmae"), "{said}");
    assert_eq!(desk.app.count("SELECT count(*) FROM manifest").await, 0);
    let absent = "client_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f";
    let (said, code) = desk.operations("list", absent, &[]).await;
    assert!(code == 1 && said.contains("not found"), "{said}");
}

#[rstest]
#[tokio::test]
async fn a_version_that_would_break_somebody_is_not_deployed(
    #[values(Embedded, Production)] shape: Shape,
) {
    let desk = Desk::set_up(shape).await;
    let fleet = desk.app.fleet("Rad Sued").await;
    let partner = fleet.partner(&["BOARD_READ"], json!({"name": "City app"})).await;
    fleet.publish(&partner.id, &[STATIONS, TYPES]).await;
    let (said, code) = desk.run(&["operations", "check"]).await;
    assert!(code == 0 && said.contains("2 registered operations, 0"), "{said}");

    // As a schema that has lost a field sees it.
    let lost = "UPDATE operation SET document = 'query Types {\n  vehicleKinds { totalCount } }' WHERE name = 'Types'";
    desk.app.sql(lost).await.unwrap();
    let (said, code) = desk.run(&["operations", "check"]).await;
    assert_eq!(code, 1, "{said}");
    for part in [&fleet.slug, "City app", &partner.id, "Types", "line 2, column 3", "vehicleKinds"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    fleet.retire(&partner.id, 1).await.ok();
    assert_eq!(desk.run(&["operations", "check"]).await.1, 0);
}
