import { useState } from 'react'
import { Segmented } from '../../ui/choice'
import { Page } from '../../ui/page'
import { roleName } from '../../ui/shell'
import { Text } from '../../ui/text'
import { setTheme, theme, type Theme } from '../../ui/theme'
import { useSession } from '../../api/session'
import { Passwords } from './password'
import { Sessions } from './sessions'
import { Tokens } from './tokens'

const THEMES: [Theme, string][] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

export function Settings() {
  return (
    <Page
      narrow
      about={['Your account', 'Settings']}
      crumbs={[{ name: 'Settings' }, { name: 'Your account' }]}
      title="Your account"
      subtitle="Your own sign-in, sessions and tokens."
    >
      <Profile />
      <Passwords />
      <Sessions />
      <Tokens />
      <Appearance />
    </Page>
  )
}

function Profile() {
  const { member, organization } = useSession()
  return (
    <section className="section" aria-labelledby="profile">
      <div>
        <h2 id="profile">Profile</h2>
        <p>
          {roleName(member.role)} of <Text>{organization.name}</Text>
        </p>
      </div>
      <div className="two">
        <Fact name="Name" value={member.name} />
        <Fact name="Email" value={member.email} />
      </div>
    </section>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className="field">
      <span className="name">{name}</span>
      <Text>{value}</Text>
    </div>
  )
}

function Appearance() {
  const [chosen, setChosen] = useState<Theme>(theme)
  const choose = (to: Theme) => {
    setChosen(to)
    setTheme(to)
  }
  return (
    <section className="section" aria-labelledby="appearance">
      <div>
        <h2 id="appearance">Appearance</h2>
        <p>Only in this browser.</p>
      </div>
      <div>
        <Segmented label="Appearance" value={chosen} onChange={to => choose(to as Theme)} items={THEMES} />
      </div>
    </section>
  )
}
