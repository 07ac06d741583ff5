import type { DocumentNotice } from '../../api/documents'

const SAYS: Record<string, string> = {
  MISLABELLED: 'The file is of another kind than its name or its media type claims',
  HIDDEN_TEXT: 'There is text that a reader does not see; no value is taken from it',
  UNRELIABLE_TEXT_LAYER: 'The text in the file is not what the page shows; the page was read as a picture',
  SIMPLER_OCR: 'The simpler reader of pictures was used',
  DAMAGED: 'A part could not be read',
  EXTERNAL_REFERENCE: 'What the document refers to outside was not fetched',
  MISSING_PAGES: 'Pages were asked for that the document does not have',
  ATTACHMENTS_NOT_READ: 'Files that are attached to the document were not read',
  TRUNCATED: 'The document holds more than is given',
}

/** What has to do with trust in the values, and not only with how they were read. */
const WARNS = ['MISLABELLED', 'HIDDEN_TEXT', 'DAMAGED', 'MISSING_PAGES', 'ATTACHMENTS_NOT_READ', 'TRUNCATED']

/** What of a document's reading a person should know, a sentence for each kind, with the pages that it is about. */
export function noticeLines(notices: DocumentNotice[]): { kind: string; text: string; warns: boolean }[] {
  const kinds = [...new Set(notices.map(notice => notice.kind ?? ''))].filter(kind => kind in SAYS)
  return kinds.map(kind => {
    const of = notices.filter(notice => notice.kind === kind)
    const pages = of.map(notice => notice.page).filter(page => page != null)
    const details = [...new Set(of.map(notice => notice.detail).filter(detail => detail))]
    const where = pages.length > 0 ? ` (${pages.length === 1 ? 'page' : 'pages'} ${pages.join(', ')})` : ''
    const more = details.length > 0 && of.length === 1 ? `: ${details[0]}` : ''
    return { kind, text: `${SAYS[kind]}${where}${more}.`, warns: WARNS.includes(kind) }
  })
}
