//! Of which kind a document is: by what its first lines name, and by how many fields of a schema have a label in it.

use crate::document::Document;

use super::features::AllLabels;
use super::layout::View;
use super::schema::CompiledSchema;
use super::text;

/// What documents of a kind call themselves, in several languages (folded), by the names of templates.
const NAMES: &[(&str, &str)] = &[
    (
        "invoice",
        "invoice rechnung facture factura fattura faktura factuur fatura nota gutschrift bill vat ust mwst iban payable",
    ),
    (
        "receipt",
        "receipt kassenbon bon quittung ticket recu recibo scontrino ricevuta kassabon paragon cash change tendered cashier till gst rounding qty thank",
    ),
    (
        "purchase-order",
        "order bestellung commande pedido ordine bestelling zamowienie po purchase deliver delivery supplier vendor lieferant ship",
    ),
    (
        "id-card",
        "identity card passport licence license ausweis personalausweis reisepass fuhrerschein passeport permis pasaporte surname nationality holder sex expiry birth",
    ),
    (
        "resume",
        "resume curriculum vitae cv lebenslauf experience education skills languages employment career berufserfahrung ausbildung kenntnisse competencies degrees university",
    ),
    (
        "contract",
        "agreement contract vertrag contrat contrato contratto parties hereto whereas herein hereby shall witnesseth hereinafter pursuant governed termination",
    ),
];

/// The first lines count more.
const FIRST_ROWS: usize = 6;
/// How many words are looked at.
const MOST_WORDS: usize = 3_000;

/// The likeliest of some schemas, by index, with how likely it is. A schema that has not the name of a built-in template
/// is known by the words of its name: documents of a `delivery-note` call themselves one.
pub fn detect(document: &Document, kinds: &[(&str, &CompiledSchema)]) -> Option<(usize, f64)> {
    let view = View::new(document);
    if view.tokens.is_empty() {
        return None;
    }
    let scores: Vec<f32> = kinds.iter().map(|(name, schema)| score(&view, name, schema)).collect();
    let (best, most) = scores.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    if most < 0.5 {
        return None;
    }
    let total: f32 = scores.iter().map(|s| (s - most).exp()).sum();
    Some((best, f64::from(1.0 / total)))
}

fn score(view: &View, name: &str, schema: &CompiledSchema) -> f32 {
    let words: Vec<&str> =
        NAMES.iter().find(|(n, _)| *n == name).map_or(name.split('-'), |(_, w)| w.split(' ')).collect();
    let mut seen = vec![0.0_f32; words.len()];
    for token in view.tokens.iter().take(MOST_WORDS) {
        let row = view.segments[token.segment].row;
        for word in text::words(&token.text) {
            let bare = word.trim_end_matches('s');
            if let Some(i) = words.iter().position(|w| *w == word || *w == bare) {
                // The first word of a list is the kind's own name.
                let own = if i < 3 { 1.6 } else { 0.5 };
                let weight = if row < FIRST_ROWS { own } else { 0.4 };
                seen[i] = seen[i].max(weight);
            }
        }
    }
    let named: f32 = seen.iter().sum();
    let labels = AllLabels::new(schema);
    let (mut found, mut asked) = (0.0_f32, 0.0_f32);
    for (i, field) in schema.fields.iter().enumerate() {
        if field.in_list || field.is_group {
            continue;
        }
        asked += 1.0;
        let best = view
            .segments
            .iter()
            .take(MOST_WORDS)
            .map(|s| labels.of[i].fits(&s.meaning))
            .fold(0.0_f32, f32::max);
        found += if best > 0.8 { 1.0 } else { 0.0 };
    }
    named + 2.5 * found / asked.max(1.0)
}
