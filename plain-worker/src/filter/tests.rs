use super::{Filter, suggest};

fn says(text: &str) -> String {
    format!("{:?}", Filter::parse(text).unwrap_or_else(|error| panic!("{error}")).expression())
}

#[test]
fn parts_bind_as_they_do_in_words() {
    let same = [
        ("a b OR c", "(a AND b) OR c"),
        ("a OR b c", "a OR (b AND c)"),
        ("NOT a b", "(NOT a) AND b"),
        ("-a b", "NOT a AND b"),
        ("-(a OR b)", "NOT (a OR b)"),
        ("  status:dead ", "state:dead"),
        ("args.n:7", "arguments.n:=7"),
    ];
    for (one, other) in same {
        assert_eq!(says(one), says(other), "{one}");
    }
    assert!(Filter::parse(" \t\n").unwrap().is_empty());
    assert_ne!(says("a OR b c"), says("(a OR b) c"));
}

#[test]
fn a_quoted_text_is_taken_as_it_is() {
    assert!(says(r#"error:"say \"no\" (twice): a\\b""#).contains(r#"Contains("say \"no\" (twice): a\\b")"#));
    assert!(says(r#"job:"a*b""#).contains(r#"OneOf(["a*b"])"#));
    assert!(says("job:a*b").contains(r#"Pattern(["a", "b"])"#));
    assert!(says("job:a,b").contains(r#"OneOf(["a", "b"])"#));
    assert!(says("args.x:-5").contains(r#"OneOf(["-5"])"#));
    assert!(says("due:>=2026-12-24T18:00:00Z").contains("At(2026-12-24T18:00:00Z)"));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let mistakes = [
        ("statsu:dead", 0..6, "`statsu` is not a field: did you mean `status`?"),
        ("state:daed", 6..10, "`daed` is not a state: did you mean `dead`?"),
        ("state: dead", 6..6, "a value has to follow at once; a text with blanks goes in double quotes"),
        ("(a OR b", 0..1, "this `(` is not closed"),
        ("a)", 1..2, "this `)` closes nothing"),
        ("()", 1..2, "nothing stands before this `)`"),
        ("a OR", 4..4, "something has to follow here"),
        ("OR a", 0..2, "something has to stand before and after AND and OR"),
        ("a AND OR b", 6..8, "something has to stand before and after AND and OR"),
        ("\"never closed", 0..13, "the quotes are not closed"),
        ("attempt:>=x", 10..11, "`attempt` is a whole number"),
        ("age:>soon", 5..9, "a length of time is written `30s`, `5m`, `2h` or `7d`, up to a hundred years"),
        ("args:7", 0..4, "`args` needs the name of a field: `args.user_id:7`"),
        ("args..x:7", 0..7, "a path is made of names and numbers, with one point between them"),
        ("job:>a", 4..5, "this field has no order: leave the sign away"),
        ("id:7", 3..4, "an id is a UUID in full"),
        (":dead", 0..1, "a field has to stand before this, for example `state:dead`"),
        ("a\0", 1..2, "a filter cannot hold a NUL"),
    ];
    for (text, place, message) in mistakes {
        let error = Filter::parse(text).expect_err(text);
        assert_eq!((error.message(), error.place()), (message, place), "{text}");
    }
    let shown = Filter::parse("é statsu:dead").unwrap_err().to_string();
    assert_eq!(shown, "`statsu` is not a field: did you mean `status`?\n  é statsu:dead\n    ^^^^^^");
}

#[test]
fn no_text_is_too_much_for_it() {
    for text in ["(".repeat(5_000), "NOT ".repeat(1_999), "a ".repeat(3_999), "x".repeat(100_000), "-".repeat(7_999)] {
        assert!(Filter::parse(&text).is_err());
    }
    // Every beginning and every end of a filter that uses the whole grammar is read or refused, at a place inside it.
    let text = r#"-(state:dead,ready OR job:"é\"x"* args.a.0:>=1.5) NOT age:>2h due:<2026-01-01 "free \\ text" key:*"#;
    for (cut, _) in text.char_indices() {
        for part in [&text[..cut], &text[cut..]] {
            if let Err(error) = Filter::parse(part) {
                assert!(part.is_char_boundary(error.place().start) && part.is_char_boundary(error.place().end));
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

#[test]
fn what_can_follow_is_offered() {
    let values = |field: &str| match field {
        "queue" => vec!["mail".to_owned(), "two words".to_owned()],
        "args" => vec!["user.id".to_owned(), "urgent".to_owned()],
        _ => Vec::new(),
    };
    assert_eq!(suggest("job:x -queue:", values), ["-queue:mail", "-queue:\"two words\""]);
    assert_eq!(suggest("(args.us", values), ["args.user.id:"]);
    assert_eq!(suggest("state:ready,de", values), ["state:ready,dead"]);
    assert_eq!(suggest("ar", values), ["args.", "arguments."]);
    assert!(suggest("", values).is_empty());
    for offer in suggest("x queue:", values) {
        Filter::parse(&offer).expect("an offer is a filter");
    }
}
