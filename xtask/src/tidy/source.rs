//! A Rust file as the rules see it: its lines, where its tests begin, and what is code.

/// One Rust file.
pub struct Source {
    pub path: String,
    pub lines: Vec<String>,
    /// How many lines come before the tests inside the file.
    own: usize,
    is_test_module: bool,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let tests = lines.iter().zip(lines.iter().skip(1)).position(|(line, next)| {
            line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{')
        });
        let own = tests.unwrap_or(lines.len());
        Self { path: path.into(), lines, own, is_test_module: false }
    }

    /// Whether all of it is tests.
    pub fn is_test(&self) -> bool {
        self.is_test_module
            || self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    /// Files of modules that this one declares for tests alone: `#[cfg(test)] mod name;`, with or without `#[path]`.
    /// Whatever a test declares is for tests.
    fn test_modules(&self) -> Vec<String> {
        let folder = match self.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
            _ => self.path.trim_end_matches(".rs").to_owned(),
        };
        let beside = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut modules = Vec::new();
        let (mut for_tests, mut given) = (self.is_test(), None);
        for line in self.lines.iter().map(|line| line.trim()) {
            let module = line.strip_suffix(';').and_then(|line| line.split_once("mod "));
            if line == "#[cfg(test)]" {
                for_tests = true;
            } else if let Some(path) =
                line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"))
            {
                given = Some(normalised(&format!("{beside}/{path}")));
            } else if let Some((_, name)) = module.filter(|_| for_tests) {
                modules.push(given.take().unwrap_or_else(|| format!("{folder}/{name}.rs")));
                for_tests = self.is_test();
            } else if !line.starts_with("#[") {
                (for_tests, given) = (self.is_test(), None);
            }
        }
        modules
    }

    /// Lines before the tests, numbered from 1, comments included.
    pub fn own_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let own = if self.is_test() { 0 } else { self.own };
        self.lines[..own].iter().enumerate().map(|(index, line)| (index + 1, line.as_str()))
    }

    /// Lines before the tests without comments.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.own_lines().map(|(number, line)| (number, without_comment(line)))
    }

    /// All lines without comments, tests too.
    pub fn all_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, without_comment(line)))
    }
}

/// A file that is only compiled for tests, and every file below it, is a test.
pub fn mark_test_modules(sources: &mut [Source]) {
    loop {
        let modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
        let mut news = false;
        for source in sources.iter_mut().filter(|source| !source.is_test_module) {
            source.is_test_module = modules.iter().any(|module| {
                let folder = module.trim_end_matches(".rs");
                source.path == *module
                    || source.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
            });
            news |= source.is_test_module;
        }
        if !news {
            return;
        }
    }
}

/// A path without `..`.
fn normalised(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        if part == ".." { _ = parts.pop() } else { parts.push(part) }
    }
    parts.join("/")
}

/// A line up to its comment. `//` after a quotation mark or a colon is text: an address, mostly.
pub fn without_comment(line: &str) -> &str {
    let start = line.match_indices("//").map(|(index, _)| index).find(|&index| {
        let before = &line[..index];
        before.matches('"').count().is_multiple_of(2) && !before.ends_with(':')
    });
    start.map_or(line, |index| &line[..index])
}

/// Whether `word` stands in `line` with no letter, digit or underscore beside it.
pub fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(index, _)| {
        let (before, after) = (&line[..index], &line[index + word.len()..]);
        !before.ends_with(part_of_name) && !after.starts_with(part_of_name)
    })
}
