import * as A from 'react-aria-components'
import { ChevronRight, FileText } from 'lucide-react'
import type { ImportOptions } from '../../api/imports'
import { Button } from '../../ui/button'
import { RadioCards } from '../../ui/choice'
import { TextField } from '../../ui/field'
import { bytes, visible } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { Select } from '../../ui/select'
import { Table } from '../../ui/table'
import { Text } from '../../ui/text'
import type { Opening, Target } from './csv'

/** A file, how it begins, and what somebody said of its columns; what its columns seem to be until then. */
export type Chosen = { file: File; opening: Opening; columns?: string[] }
/** What somebody says of the rows. */
export type Ways = Pick<ImportOptions, 'onDuplicate' | 'locale' | 'dateFormat' | 'region'>

/** Which file. */
export function ChooseFile({
  chosen,
  onChoose,
}: {
  chosen: Chosen | null
  onChoose: (file: File | undefined) => void
}) {
  return (
    <div className="field">
      <span className="name">File</span>
      <div className="row wide-gap">
        <A.FileTrigger
          acceptedFileTypes={['.csv', '.tsv', '.txt', 'text/csv', 'text/plain']}
          onSelect={files => onChoose(files?.[0])}
        >
          <Button>{chosen ? 'Choose another file' : 'Choose a file'}</Button>
        </A.FileTrigger>
        {chosen && (
          <span className="row">
            <FileText {...ico} className="faint" />
            <Text clip>{chosen.file.name}</Text>
            <span className="muted nowrap">{bytes(chosen.file.size)}</span>
          </span>
        )}
      </div>
      <div className="help">CSV as spreadsheets and CRMs write it, up to 1 GiB. Its first line names the columns.</div>
    </div>
  )
}

/** What becomes of doubles, and how values are written. */
export function WaysFields({ ways, set }: { ways: Ways; set: (part: Partial<Ways>) => void }) {
  return (
    <>
      <RadioCards
        label="Rows with the email or mobile number of a contact that exists"
        value={ways.onDuplicate}
        onChange={onDuplicate => set({ onDuplicate: onDuplicate as Ways['onDuplicate'] })}
        items={[
          ['reject', 'Are refused', 'They stand in the report'],
          ['update', 'Change that contact', 'An empty cell leaves its field as it is'],
          ['allow', 'Become contacts of their own'],
        ]}
      />
      <A.Disclosure className="disclosure">
        <h3>
          <A.Button slot="trigger" className="disclosure-btn">
            <ChevronRight {...icoS} />
            How numbers, dates and phones are written
          </A.Button>
        </h3>
        <A.DisclosurePanel>
          <div className="disclosure-panel">
            <div className="two">
              <TextField
                label="Language and country"
                optional
                value={ways.locale ?? ''}
                onChange={locale => set({ locale: locale.trim() })}
                placeholder="de-DE"
                help="Else numbers are as 1234.5 and dates as 2026-12-31."
                inputProps={{ autoComplete: 'off', spellCheck: false }}
              />
              <TextField
                label="Dates"
                optional
                value={ways.dateFormat ?? ''}
                onChange={dateFormat => set({ dateFormat: dateFormat.trim() })}
                placeholder="DD.MM.YYYY"
                help="In place of what the language says."
                inputProps={{ autoComplete: 'off', spellCheck: false }}
              />
            </div>
            <TextField
              label="Country of phone numbers without one"
              optional
              value={ways.region ?? ''}
              onChange={region => set({ region: region.trim().toUpperCase() })}
              placeholder="DE"
              help="As two letters. Without it such numbers are refused: nothing is guessed."
              inputProps={{ autoComplete: 'off', spellCheck: false, maxLength: 2 }}
            />
          </div>
        </A.DisclosurePanel>
      </A.Disclosure>
    </>
  )
}

/** What each column is. */
export function Columns({
  opening: { columns, samples },
  possible,
  chosen,
  onChange,
}: {
  opening: Opening
  possible: Target[]
  chosen: string[]
  onChange: (chosen: string[]) => void
}) {
  const items = [
    { id: 'NONE', name: 'Leave out' as const },
    ...possible.map(([id, name]) => ({ id, name: <Text>{name}</Text>, text: name })),
  ]
  const set = (at: number, id: string) => onChange(chosen.map((old, other) => (other === at ? id : old)))
  return (
    <Table
      label="Columns"
      caption="Columns of the file"
      columns={['Column', 'First rows', { name: 'Is', className: 'col-target' }]}
    >
      {columns.map((name, at) => (
        <tr key={at}>
          <td>
            {name ? (
              <span className="strong">
                <Text clip>{name}</Text>
              </span>
            ) : (
              <span className="faint">Column {at + 1}, without a name</span>
            )}
          </td>
          <td className="muted">
            <Text clip>
              {samples
                .map(row => row[at] ?? '')
                .filter(Boolean)
                .join(' · ') || ' '}
            </Text>
          </td>
          <td>
            {name && (
              <Select
                hideLabel
                label={`What the column ${visible(name)} is`}
                value={chosen[at] || 'NONE'}
                onChange={id => set(at, id === 'NONE' ? '' : id)}
                items={items}
              />
            )}
          </td>
        </tr>
      ))}
    </Table>
  )
}
