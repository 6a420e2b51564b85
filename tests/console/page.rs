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
