import { expect, test } from 'vitest'
import { noticeLines } from '../src/pages/documents/noticed'

test('what was noticed of a document is said once for each kind, with its pages', () => {
  const lines = noticeLines([
    { kind: 'HIDDEN_TEXT', page: 1, detail: '12 words' },
    { kind: 'HIDDEN_TEXT', page: 3, detail: '2 words' },
    { kind: 'MISLABELLED', page: null, detail: 'pdf, and it is a picture' },
    { kind: 'SIMPLER_OCR', page: 2, detail: null },
    { kind: 'NEWER_THAN_THIS_PAGE', page: null, detail: null },
  ])
  expect(lines).toEqual([
    {
      kind: 'HIDDEN_TEXT',
      text: 'There is text that a reader does not see; no value is taken from it (pages 1, 3).',
      warns: true,
    },
    {
      kind: 'MISLABELLED',
      text: 'The file is of another kind than its name or its media type claims: pdf, and it is a picture.',
      warns: true,
    },
    { kind: 'SIMPLER_OCR', text: 'The simpler reader of pictures was used (page 2).', warns: false },
  ])
  expect(noticeLines([])).toEqual([])
})
