import type { Job } from '../../api/documents'
import { num } from '../../ui/format'

/** As many corrected documents it takes before anything is used. */
const FEWEST = 3

const percent = (share: number) => `${Math.round(share * 100)} %`

/** What corrections have taught, in a sentence. */
export function lesson({ corrections, active, accuracy }: NonNullable<Job['learning']>, isTemplate: boolean): string {
  const those = isTemplate ? 'of this template' : 'of this schema'
  if (corrections === 0) {
    return `Nothing yet. From ${FEWEST} corrected documents ${those} on, later ones are read better.`
  }
  const documents = `${num(corrections)} corrected ${corrections === 1 ? 'document' : 'documents'}`
  if (active) return `Later documents ${those} use what ${documents} ${corrections === 1 ? 'has' : 'have'} taught.`
  if (corrections < FEWEST && !accuracy) return `${documents} ${those} so far. It takes ${FEWEST} before it is used.`
  return `What ${documents} ${corrections === 1 ? 'has' : 'have'} taught is not used: values do not become more right by it.`
}

/** What the engine has learned from corrections, and how much it helps. */
export function Learning({ of, isTemplate }: { of: NonNullable<Job['learning']>; isTemplate: boolean }) {
  const { accuracy, pending } = of
  return (
    <section className="card" aria-labelledby="learned">
      <div className="card-head">
        <h2 id="learned">Learned</h2>
        <span className="small faint" role="status">
          {pending && 'Learning from corrections'}
        </span>
      </div>
      <div className="pad stack tight">
        <p>{lesson(of, isTemplate)}</p>
        {accuracy && (
          <dl className="facts">
            <div>
              <dt>Right values without it</dt>
              <dd className="num">{percent(accuracy.before)}</dd>
            </div>
            <div>
              <dt>Right values with it</dt>
              <dd className="num">{percent(accuracy.after)}</dd>
            </div>
            <div>
              <dt>Measured on</dt>
              <dd className="num">
                {num(accuracy.documents)} {accuracy.documents === 1 ? 'document' : 'documents'}, each judged by what the
                others have taught
              </dd>
            </div>
          </dl>
        )}
      </div>
    </section>
  )
}
