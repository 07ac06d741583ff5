// Documents that are made by hand.

/** A PDF of one page with these lines. */
export function pdf(lines) {
  const text = `BT /F1 12 Tf 72 760 Td 18 TL\n${lines.map(line => `(${line.replace(/[()\\]/g, '\\$&')}) Tj T*\n`).join('')}ET\n`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${text.length} >>\nstream\n${text}endstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, at) => {
    const offset = file.length
    file += `${at + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const start = file.length
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`
  for (const offset of offsets) file += `${String(offset).padStart(10, '0')} 00000 n \n`
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(file, 'latin1')
}

/** A receipt of a bakery, with more than enough words to be taken as it is. */
export const receipt = () =>
  pdf([
    'Corner Bakery',
    '12 Harbour Street, 5006 Bergen',
    'Receipt number: R-2041',
    'Date: 2026-03-14',
    'Rye bread 1 4.20',
    'Cinnamon roll 2 4.20',
    'Total: 8.40 EUR',
    'Paid by card, thank you for your visit and see you again soon',
  ])

/** An invoice, as made-up as its supplier. */
export const invoice = () =>
  pdf([
    'Hardanger Mobler AS',
    'Sjogata 14, 5006 Bergen, Norway',
    '',
    'Invoice number: HM-2026-11842',
    'Invoice date: 18 November 2026',
    'Due date: 18 December 2026',
    '',
    'Bill to: Fjord Supply Co., Havnegata 2, 0150 Oslo',
    '',
    'Oak dining table, 200 cm        4        890.00        3,560.00',
    'Dining chair, walnut               16        149.50        2,392.00',
    '',
    'Subtotal: 5,952.00 NOK',
    'VAT 25 %: 1,488.00 NOK',
    'Total due: 7,440.00 NOK',
    '',
    'Please pay by bank transfer within thirty days and state the invoice number.',
  ])
