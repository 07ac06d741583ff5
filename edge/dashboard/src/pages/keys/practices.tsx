import * as A from 'react-aria-components'
import { ClockAlert, Globe, ListChecks, Tag } from 'lucide-react'
import { ico } from '../../ui/icons'

/** What keeps keys in order. The last one leads to the keys that nothing uses, when there are some. */
export function Practices({ unused, onShow }: { unused: string | null; onShow: () => void }) {
  return (
    <aside className="practices" aria-labelledby="practices">
      <h2 id="practices">Recommended practices</h2>
      <ul>
        <li>
          <Tag {...ico} />
          <p>
            <b>Use descriptive names</b> so keys are easy to identify.
          </p>
        </li>
        <li>
          <Globe {...ico} />
          <p>
            <b>Limit IP addresses</b> where you can.
          </p>
        </li>
        <li>
          <ListChecks {...ico} />
          <p>
            <b>Grant only the permissions</b> each integration needs.
          </p>
        </li>
        <li>
          <ClockAlert {...ico} />
          <p>
            <b>Regularly review and revoke</b> unused keys.
            {unused && (
              <>
                {' '}
                <A.Button className="link" onPress={onShow}>
                  Show {unused} unused
                </A.Button>
              </>
            )}
          </p>
        </li>
      </ul>
    </aside>
  )
}
