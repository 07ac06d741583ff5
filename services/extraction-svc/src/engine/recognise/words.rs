//! Names of people, companies and places, by their words.

/// Endings of companies' names, folded and without points.
const COMPANY: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "limited",
    "corp",
    "corporation",
    "company",
    "co",
    "plc",
    "llp",
    "lp",
    "gmbh",
    "ag",
    "kg",
    "ohg",
    "ug",
    "se",
    "ev",
    "kgaa",
    "mbh",
    "sa",
    "sarl",
    "sas",
    "sasu",
    "eurl",
    "bv",
    "nv",
    "vof",
    "spa",
    "srl",
    "snc",
    "sl",
    "slu",
    "sro",
    "zoo",
    "ab",
    "as",
    "asa",
    "aps",
    "oy",
    "oyj",
    "kft",
    "bhd",
    "sdn",
    "pte",
    "pty",
    "pvt",
    "incorporated",
    "associates",
    "partners",
    "trust",
    "fund",
    "foundation",
    "group",
    "holdings",
    "holding",
    "enterprise",
    "enterprises",
    "trading",
    "industries",
    "sp",
    "berhad",
    "cie",
    "bank",
    "banque",
    "sparkasse",
    "volksbank",
    "restaurant",
    "hotel",
    "cafe",
    "store",
    "stores",
    "shop",
    "mart",
    "supermarket",
    "services",
    "systems",
    "solutions",
    "international",
    "university",
    "institute",
    "college",
    "polytechnic",
    "school",
    "academy",
    "hospital",
    "clinic",
    "clinique",
    "clinica",
    "klinik",
    "klinikum",
    "krankenhaus",
    "ziekenhuis",
    "szpital",
    "surgery",
    "praxis",
    "pediatrics",
    "council",
    "municipality",
    "gemeinde",
    "mairie",
    "ayuntamiento",
    "comune",
    "gemeente",
    "laboratories",
    "pharmaceuticals",
    "technologies",
    "bakery",
    "hardware",
    "stationery",
];

/// The strong ones: after them a company's name has ended.
const LEGAL: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "limited",
    "corp",
    "corporation",
    "plc",
    "llp",
    "lp",
    "gmbh",
    "ag",
    "kg",
    "kgaa",
    "sa",
    "sarl",
    "sas",
    "bv",
    "nv",
    "spa",
    "srl",
    "ab",
    "oy",
    "bhd",
    "sdn",
    "pte",
    "pty",
    "incorporated",
    "sro",
    "aps",
    "kft",
    "ohg",
    "ug",
    "se",
    "sl",
    "company",
    "co",
    "berhad",
    "na",
    "trust",
];

const STREET: &[&str] = &[
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "lane",
    "ln",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "way",
    "court",
    "square",
    "close",
    "place",
    "park",
    "jalan",
    "jln",
    "jl",
    "lorong",
    "taman",
    "rue",
    "via",
    "calle",
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "gasse",
    "straat",
    "laan",
    "ulica",
    "ul",
    "suite",
    "floor",
    "lot",
    "unit",
    "apt",
    "box",
    "building",
    "bangunan",
    "bandar",
    "kampung",
    "quay",
    "quai",
    "plaza",
    "avenida",
    "highway",
    "hwy",
    "parkway",
    "terrace",
    "hill",
    "crescent",
    "row",
    "block",
    "blok",
    "no",
    "persiaran",
    "seksyen",
    "level",
    "wisma",
    "tower",
    "center",
    "centre",
    "mall",
    "industrial",
    "chemin",
    "place",
    "piazza",
    "corso",
    "viale",
    "plein",
    "kade",
    "aleja",
    "tmn",
    "kg",
    "bdr",
    "darul",
];

const COUNTRIES: &[&str] = &[
    "usa",
    "us",
    "united states",
    "united states of america",
    "uk",
    "united kingdom",
    "great britain",
    "england",
    "scotland",
    "wales",
    "ireland",
    "germany",
    "deutschland",
    "france",
    "italy",
    "italia",
    "spain",
    "espana",
    "portugal",
    "netherlands",
    "nederland",
    "belgium",
    "belgique",
    "luxembourg",
    "switzerland",
    "schweiz",
    "suisse",
    "austria",
    "osterreich",
    "poland",
    "polska",
    "czech republic",
    "czechia",
    "slovakia",
    "hungary",
    "romania",
    "bulgaria",
    "greece",
    "turkey",
    "sweden",
    "sverige",
    "norway",
    "norge",
    "denmark",
    "danmark",
    "finland",
    "suomi",
    "iceland",
    "estonia",
    "latvia",
    "lithuania",
    "russia",
    "ukraine",
    "canada",
    "mexico",
    "brazil",
    "brasil",
    "argentina",
    "chile",
    "colombia",
    "peru",
    "china",
    "japan",
    "india",
    "singapore",
    "malaysia",
    "thailand",
    "indonesia",
    "philippines",
    "vietnam",
    "south korea",
    "korea",
    "hong kong",
    "taiwan",
    "australia",
    "new zealand",
    "south africa",
    "egypt",
    "nigeria",
    "kenya",
    "morocco",
    "israel",
    "saudi arabia",
    "united arab emirates",
    "qatar",
    "pakistan",
    "bangladesh",
    "sri lanka",
    "croatia",
    "serbia",
    "slovenia",
    "malta",
    "cyprus",
];

const STATES: &[&str] = &[
    "alabama",
    "alaska",
    "arizona",
    "arkansas",
    "california",
    "colorado",
    "connecticut",
    "delaware",
    "florida",
    "georgia",
    "hawaii",
    "idaho",
    "illinois",
    "indiana",
    "iowa",
    "kansas",
    "kentucky",
    "louisiana",
    "maine",
    "maryland",
    "massachusetts",
    "michigan",
    "minnesota",
    "mississippi",
    "missouri",
    "montana",
    "nebraska",
    "nevada",
    "new hampshire",
    "new jersey",
    "new mexico",
    "new york",
    "north carolina",
    "north dakota",
    "ohio",
    "oklahoma",
    "oregon",
    "pennsylvania",
    "rhode island",
    "south carolina",
    "south dakota",
    "tennessee",
    "texas",
    "utah",
    "vermont",
    "virginia",
    "washington",
    "west virginia",
    "wisconsin",
    "wyoming",
    "ontario",
    "quebec",
    "british columbia",
    "alberta",
    "england and wales",
    "new south wales",
    "victoria",
];

const STATE_CODES: &[&str] = &[
    "al", "ak", "az", "ar", "ca", "co", "ct", "de", "fl", "ga", "hi", "id", "il", "in", "ia", "ks", "ky",
    "la", "me", "md", "ma", "mi", "mn", "ms", "mo", "mt", "ne", "nv", "nh", "nj", "nm", "ny", "nc", "nd",
    "oh", "ok", "or", "pa", "ri", "sc", "sd", "tn", "tx", "ut", "vt", "va", "wa", "wv", "wi", "wy", "dc",
    "pr", "ns", "on", "qc", "bc", "ab", "mb", "nb", "sk",
];

/// A word without points and other marks, folded.
pub(crate) fn bare(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The name of a company has this word.
pub(crate) fn is_company_word(folded: &str) -> bool {
    COMPANY.contains(&bare(folded).as_str())
}

/// The legal form that ends a company's name.
pub(crate) fn is_legal_form(folded: &str) -> bool {
    LEGAL.contains(&bare(folded).as_str())
}

/// A word of schools.
pub(crate) fn is_school_word(folded: &str) -> bool {
    let bare = bare(folded);
    matches!(
        bare.as_str(),
        "university"
            | "universitat"
            | "universite"
            | "universidad"
            | "universita"
            | "universiteit"
            | "uniwersytet"
            | "college"
            | "institute"
            | "institut"
            | "instituto"
            | "polytechnic"
            | "polytechnique"
            | "politecnico"
            | "school"
            | "schule"
            | "academy"
            | "akademie"
            | "academie"
            | "ecole"
            | "hochschule"
            | "fachhochschule"
            | "escuela"
            | "faculty"
            | "tu"
            | "eth"
    ) || bare.ends_with("universitat")
        || bare.ends_with("hochschule")
}

/// A word of banks.
pub(crate) fn is_bank_word(folded: &str) -> bool {
    let bare = bare(folded);
    matches!(
        bare.as_str(),
        "bank"
            | "banque"
            | "banco"
            | "banca"
            | "sparkasse"
            | "volksbank"
            | "raiffeisen"
            | "raiffeisenbank"
            | "savings"
            | "mutual"
            | "credit"
            | "caisse"
            | "bankasi"
            | "financial"
            | "building"
            | "cooperative"
    ) || bare.ends_with("bank")
        || bare.ends_with("sparkasse")
        || bare.ends_with("kasse")
}

/// A word of streets.
pub(crate) fn is_street_word(folded: &str) -> bool {
    let bare = bare(folded);
    STREET.contains(&bare.as_str())
        || (bare.len() > 6
            && ["strasse", "str", "weg", "platz", "gasse", "allee", "straat", "laan", "gatan", "vagen"]
                .iter()
                .any(|e| bare.ends_with(e)))
}

/// A country's name.
pub(crate) fn is_country(folded: &str) -> bool {
    COUNTRIES.contains(&folded.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// A unit of time, as in "30 days".
pub(crate) fn is_time_unit(folded: &str) -> bool {
    const UNITS: &[&str] = &[
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
        "tag",
        "tage",
        "tagen",
        "woche",
        "wochen",
        "monat",
        "monate",
        "monaten",
        "jahr",
        "jahre",
        "jour",
        "jours",
        "semaine",
        "semaines",
        "mois",
        "ans",
        "annee",
        "annees",
        "dia",
        "dias",
        "semana",
        "semanas",
        "mes",
        "meses",
        "giorno",
        "giorni",
        "settimane",
        "mese",
        "mesi",
        "anni",
        "dag",
        "dagen",
        "weken",
        "maand",
        "maanden",
        "jaar",
        "dni",
        "hour",
        "hours",
        "stunden",
        "heures",
        "minutes",
    ];
    UNITS.contains(&folded.trim_matches(|c: char| !c.is_alphabetic()))
}

/// The code of a state, folded.
pub(crate) fn is_state_code(folded: &str) -> bool {
    STATE_CODES.contains(&folded)
}

/// A state or province, by name or code.
pub(crate) fn is_state(text: &str, folded: &str) -> bool {
    let trimmed = folded.trim_matches(|c: char| !c.is_alphanumeric());
    STATES.contains(&trimmed)
        || (text.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase)
            && STATE_CODES.contains(&trimmed))
}

/// Whether a word begins with a capital.
pub(crate) fn is_capital(text: &str) -> bool {
    text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase)
}

/// Small words within names.
pub(crate) fn is_joint(folded: &str) -> bool {
    matches!(
        folded,
        "of" | "and"
            | "&"
            | "de"
            | "du"
            | "des"
            | "la"
            | "le"
            | "der"
            | "von"
            | "van"
            | "den"
            | "di"
            | "da"
            | "del"
            | "e"
            | "y"
            | "et"
            | "und"
            | "for"
            | "the"
            | "in"
            | "-"
            | "for,"
    )
}
