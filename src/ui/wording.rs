//! What the pages say, as data: a catalogue of Fluent messages in English, embedded, and in front of it those of the site's
//! own language. A message that a language lacks is said in English; one that no language has is an error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use rust_embed::RustEmbed;
use unic_langid::{CharacterDirection, LanguageIdentifier};

#[derive(RustEmbed)]
#[folder = "templates/messages"]
#[include = "*.ftl"]
struct Embedded;

const ENGLISH: &str = "en";
/// Shows which words of a page are not in the catalogue: those that come without accents; and what longer words do to it.
const PSEUDO: &str = "en-XA";
const ACCENTS: [(char, char); 12] = [
    ('a', 'á'),
    ('e', 'é'),
    ('i', 'í'),
    ('o', 'ó'),
    ('u', 'ú'),
    ('y', 'ý'),
    ('A', 'Á'),
    ('E', 'É'),
    ('I', 'Í'),
    ('O', 'Ó'),
    ('U', 'Ú'),
    ('Y', 'Ý'),
];
/// Messages that scripts say begin so.
const FOR_SCRIPTS: &str = "js-";

/// Why a language cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum WordingError {
    #[error("{0} is not a language tag, such as en or pt-BR")]
    Tag(String),
    #[error("there are no messages in {language}: expected the file {path}")]
    Unknown { language: String, path: PathBuf },
    #[error("{place} is not valid: {reason}")]
    Syntax { place: String, reason: String },
    #[error("{path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Messages by name, the site's language first.
pub struct Wording {
    tag: LanguageIdentifier,
    languages: Vec<FluentBundle<FluentResource>>,
    scripts: BTreeMap<String, String>,
}

impl Wording {
    /// `folder` is the site's, with `messages/<language>.ftl`.
    ///
    /// # Errors
    /// A language without messages, or messages that are not Fluent, with the place.
    pub fn open(folder: Option<&Path>, language: &str) -> Result<Self, WordingError> {
        let tag: LanguageIdentifier = language
            .parse()
            .map_err(|_| WordingError::Tag(language.to_owned()))?;
        let mut languages = Vec::new();
        let mut sources: Vec<_> = of_site(folder, language)?
            .into_iter()
            .map(|text| (tag.clone(), text))
            .collect();
        let english = ENGLISH.parse().unwrap_or_default();
        sources.push((english, shipped(ENGLISH).unwrap_or_default()));
        let mut scripts = BTreeMap::new();
        for (tag, text) in sources {
            for (name, said) in for_scripts(&text) {
                scripts.entry(name).or_insert(said);
            }
            languages.push(bundle(tag, text, language)?);
        }
        if language == PSEUDO {
            languages
                .iter_mut()
                .for_each(|bundle| bundle.set_transform(Some(accented)));
            scripts
                .values_mut()
                .for_each(|said| *said = accented(said).into_owned());
        }
        Ok(Self {
            tag,
            languages,
            scripts,
        })
    }

    /// The language of the pages, as HTML names it.
    pub fn tag(&self) -> String {
        self.tag.to_string()
    }

    /// From which side its script is written, as HTML says it.
    pub fn direction(&self) -> &'static str {
        match self.tag.character_direction() {
            CharacterDirection::RTL => "rtl",
            CharacterDirection::LTR | CharacterDirection::TTB => "ltr",
        }
    }

    /// `None` where no language has the message, or where a value it needs is missing.
    pub fn say(&self, name: &str, values: &FluentArgs<'_>) -> Option<String> {
        let (bundle, pattern) = self.languages.iter().find_map(|bundle| {
            let message = bundle.get_message(name)?;
            Some((bundle, message.value()?))
        })?;
        let mut wrong = Vec::new();
        let said = bundle.format_pattern(pattern, Some(values), &mut wrong);
        wrong.is_empty().then(|| said.into_owned())
    }

    /// What scripts say, by name, with `{ $value }` left in its place.
    pub fn scripts(&self) -> &BTreeMap<String, String> {
        &self.scripts
    }
}

fn shipped(language: &str) -> Option<String> {
    let file = Embedded::get(&format!("{language}.ftl"))?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// The site's messages; English and what tests it may be without any.
fn of_site(folder: Option<&Path>, language: &str) -> Result<Option<String>, WordingError> {
    let path = folder
        .unwrap_or(Path::new("<site.templates>"))
        .join("messages")
        .join(format!("{language}.ftl"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match shipped(language) {
            Some(text) => Ok((language != ENGLISH).then_some(text)),
            None if language == PSEUDO => Ok(None),
            None => Err(WordingError::Unknown {
                language: language.to_owned(),
                path,
            }),
        },
        Err(source) => Err(WordingError::Read { path, source }),
    }
}

fn bundle(
    tag: LanguageIdentifier,
    text: String,
    language: &str,
) -> Result<FluentBundle<FluentResource>, WordingError> {
    let syntax = |reason: String| WordingError::Syntax {
        place: format!("messages/{language}.ftl"),
        reason,
    };
    let resource = FluentResource::try_new(text).map_err(|(_, wrong)| {
        syntax(
            wrong
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        )
    })?;
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // Marks around values would end in spreadsheets and in what people copy.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|wrong| {
        syntax(
            wrong
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        )
    })?;
    Ok(bundle)
}

/// Scripts fill in values themselves: their messages are one line each.
fn for_scripts(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once(" = "))
        .filter(|(name, _)| name.starts_with(FOR_SCRIPTS))
        .map(|(name, said)| (name.to_owned(), said.trim().to_owned()))
        .collect()
}

/// Every vowel with an accent and twice, about a third more text as German has it; what stands between braces as it is.
fn accented(text: &str) -> Cow<'_, str> {
    let (mut inside, mut said) = (false, String::with_capacity(text.len() * 2));
    for letter in text.chars() {
        inside = (inside || letter == '{') && letter != '}';
        let vowel = ACCENTS.iter().find(|(plain, _)| *plain == letter && !inside);
        match vowel {
            Some((_, accent)) => said.extend([*accent, *accent]),
            None => said.push(letter),
        }
    }
    Cow::Owned(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> FluentArgs<'static> {
        FluentArgs::new()
    }

    #[test]
    fn a_language_of_the_site_goes_first_and_what_it_lacks_is_said_in_english() {
        let folder = tempfile::tempdir().expect("a folder");
        let messages = folder.path().join("messages");
        std::fs::create_dir(&messages).expect("messages");
        std::fs::write(
            messages.join("de.ftl"),
            "nav-worklist = Arbeitsliste\njs-close = Zu\n",
        )
        .expect("written");
        let german = Wording::open(Some(folder.path()), "de").expect("German");
        assert_eq!(
            german.say("nav-worklist", &none()).as_deref(),
            Some("Arbeitsliste")
        );
        assert_eq!(german.say("nav-alerts", &none()).as_deref(), Some("Alerts"));
        assert_eq!(german.say("nothing-like-this", &none()), None);
        assert_eq!(german.scripts()["js-close"], "Zu");
        assert_eq!((german.tag().as_str(), german.direction()), ("de", "ltr"));
        std::fs::write(messages.join("en.ftl"), "nav-worklist = Reading list\n").expect("written");
        let own = Wording::open(Some(folder.path()), "en").expect("English");
        assert_eq!(own.say("nav-worklist", &none()).as_deref(), Some("Reading list"));
        assert_eq!(own.say("nav-alerts", &none()).as_deref(), Some("Alerts"));
    }

    #[test]
    fn a_script_from_the_right_is_known_by_its_language() {
        let folder = tempfile::tempdir().expect("a folder");
        let messages = folder.path().join("messages");
        std::fs::create_dir(&messages).expect("messages");
        for (tag, direction) in [
            ("ar", "rtl"),
            ("he-IL", "rtl"),
            ("az-Arab", "rtl"),
            ("az-Latn", "ltr"),
        ] {
            std::fs::write(messages.join(format!("{tag}.ftl")), "nav-worklist = x\n").expect("written");
            let wording = Wording::open(Some(folder.path()), tag).expect(tag);
            assert_eq!(wording.direction(), direction, "{tag}");
        }
    }

    #[test]
    fn a_language_without_messages_is_refused_with_the_file_that_is_expected() {
        let refused = Wording::open(None, "fr").err().expect("refused");
        assert!(refused.to_string().contains("fr.ftl"), "{refused}");
        assert!(matches!(
            Wording::open(None, "no language"),
            Err(WordingError::Tag(_))
        ));
    }

    #[test]
    fn the_pseudo_language_accents_what_is_in_the_catalogue_and_no_values() {
        let pseudo = Wording::open(None, PSEUDO).expect("pseudo");
        assert_eq!(pseudo.say("nav-worklist", &none()).as_deref(), Some("Wóórklííst"));
        assert_eq!(accented("Give { $name } up"), "Gíívéé { $name } úúp");
    }
}
