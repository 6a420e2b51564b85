//! The page is part of the program.

use super::World;

#[test]
fn the_page_and_all_that_it_names_are_here_and_asked_for_again_only_when_they_are_others() {
    let world = World::demo();
    let page = world.http.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let quoted = page.body.split('"').skip(1).step_by(2);
    let named: Vec<&str> = quoted.filter(|it| it.starts_with('/')).collect();
    assert!(!named.is_empty(), "{}", page.body);
    for path in named.into_iter().chain(["/"]) {
        let file = world.http.get(path);
        assert_eq!(file.status, 200, "{path}");
        let tag = file.header("etag").expect("a tag").to_owned();
        let again = world.http.clone().with("If-None-Match", &tag).get(path);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let other = world
            .http
            .clone()
            .with("If-None-Match", "\"other\"")
            .get(path);
        assert_eq!(other.body, file.body);
    }
    // Nothing is fetched from elsewhere, and nothing stands in the page that its policy forbids.
    assert!(!page.body.contains("//"), "{}", page.body);
    assert!(!page.body.contains("style="), "{}", page.body);
    world.http.get("/../Cargo.toml").problem(404);
}

#[test]
fn what_others_have_made_is_served_and_shipped_with_the_licence_they_want_passed_on() {
    let world = World::demo();
    let licence = include_str!("../../src/plugins/console/page/uplot.LICENSE").trim();
    assert!(world.http.get("/uplot.js").body.contains(licence));
    let notices = std::process::Command::new("packaging/notices.py")
        .output()
        .expect("Python is there");
    let notices = String::from_utf8(notices.stdout).expect("text");
    assert!(notices.contains("- uPlot "), "{notices}");
    assert!(notices.contains(licence), "{notices}");
}
