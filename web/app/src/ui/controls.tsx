// The bar below the gallery, its keyboard shortcuts, and the ways out.
import { useState } from 'preact/hooks'
import { report } from '../session'
import { isFacilitator, me } from '../state'
import { useSession } from './context'
import { Picker } from './devices'
import { Icon, type IconName } from './icons'
import { Button, Dialog } from './parts'
import { shortcutsOn, useShortcuts } from './shortcuts'

export interface PanelSwitch {
  readonly open: boolean
  readonly toggle: () => void
  readonly waiting: number
  readonly calls: number
}

type Asked = 'leave' | 'help' | 'settings' | null

export function Controls({ panel }: { panel: PanelSwitch | null }) {
  const session = useSession()
  const state = session.state.value
  const { local } = state
  const own = me(state)
  const staff = isFacilitator(state)
  const [asked, setAsked] = useState<Asked>(null)
  const micOn = local.mic === 'on'
  const cameraOn = local.camera === 'on'
  const mic = () => session.setMic(!micOn).catch(report)
  const camera = () => session.setCamera(!cameraOn).catch(report)
  const hand = () => session.raiseHand(!own?.hand).catch(report)
  useShortcuts({ m: mic, v: camera, ...(!staff && { h: hand }) })
  return (
    <footer class="controls">
      <div class="controls-bar" role="toolbar" aria-label="Your controls">
        <Control
          icon={micOn ? 'mic' : 'micOff'}
          text={own?.muted ? 'Held muted' : micOn ? 'Mute' : 'Unmute'}
          label={
            own?.muted
              ? 'Microphone: muted by a facilitator'
              : `Microphone is ${micOn ? 'on: mute' : 'off: unmute'}`
          }
          off={!micOn}
          shortcut="M"
          onClick={mic}
        />
        <Control
          icon={cameraOn ? 'camera' : 'cameraOff'}
          text={cameraOn ? 'Stop camera' : 'Start camera'}
          label={`Camera is ${cameraOn ? 'on: switch off' : 'off: switch on'}`}
          off={!cameraOn}
          shortcut="V"
          onClick={camera}
        />
        {!staff && (
          <Control
            icon="hand"
            text={own?.hand ? 'Lower hand' : 'Raise hand'}
            active={own?.hand ?? false}
            shortcut="H"
            onClick={hand}
          />
        )}
        {state.welcome?.role === 'patient' && (
          <Control
            icon="help"
            text="Private help"
            active={own?.help ?? false}
            onClick={() => setAsked('help')}
          />
        )}
        {staff && 'getDisplayMedia' in navigator.mediaDevices && (
          <Control
            icon="screen"
            text={local.screen ? 'Stop sharing' : 'Share screen'}
            active={local.screen}
            onClick={() => session.share(!local.screen).catch(report)}
          />
        )}
        {panel && <PanelControl panel={panel} />}
        <Control icon="info" text="Settings" onClick={() => setAsked('settings')} />
        <Control icon="leave" text="Leave" leave onClick={() => setAsked('leave')} />
      </div>
      {asked === 'leave' && <LeaveDialog onClose={() => setAsked(null)} />}
      {asked === 'help' && <HelpDialog onClose={() => setAsked(null)} />}
      {asked === 'settings' && <SettingsDialog onClose={() => setAsked(null)} />}
    </footer>
  )
}

function PanelControl({ panel }: { panel: PanelSwitch }) {
  const { open, toggle, waiting, calls } = panel
  const count = waiting + calls
  const detail = [waiting && `${waiting} waiting`, calls && `${calls} asking`].filter(Boolean).join(', ')
  return (
    <Control
      icon="people"
      text="People"
      label={`People${detail && `: ${detail}`}`}
      active={open}
      expanded={open}
      count={count}
      onClick={toggle}
    />
  )
}

function Control(props: {
  icon: IconName
  text: string
  label?: string
  onClick: () => void
  active?: boolean
  off?: boolean
  leave?: boolean
  expanded?: boolean
  count?: number
  shortcut?: string
}) {
  const { icon, text, label, onClick, active, off, leave, expanded, count, shortcut } = props
  const classes = ['control', active && 'control-active', off && 'control-off', leave && 'control-leave']
  return (
    <button
      type="button"
      class={classes.filter(Boolean).join(' ')}
      onClick={onClick}
      aria-label={label}
      aria-expanded={expanded}
      aria-keyshortcuts={shortcut}
      title={shortcut ? `${text} (${shortcut})` : undefined}
    >
      <span class="control-icon">
        <Icon name={icon} />
        {!!count && <span class="count">{count}</span>}
      </span>
      <span class="control-text">{text}</span>
    </button>
  )
}

function LeaveDialog({ onClose }: { onClose: () => void }) {
  const session = useSession()
  const staff = isFacilitator(session.state.value)
  return (
    <Dialog title="Leave the group?" onClose={onClose}>
      <p>
        {staff
          ? 'The group goes on. If no other facilitator is here, it is paused after a minute, and credited time stops at once.'
          : 'You can come back with the same link as long as the session goes on.'}
      </p>
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Stay</Button>
        <Button kind="danger" icon="leave" onClick={() => session.leave().catch(report)}>
          Leave
        </Button>
      </div>
    </Dialog>
  )
}

function HelpDialog({ onClose }: { onClose: () => void }) {
  const session = useSession()
  const asking = me(session.state.value)?.help ?? false
  const ask = () => {
    session.askHelp(!asking).catch(report)
    onClose()
  }
  return (
    <Dialog title={asking ? 'You asked for help' : 'Ask for help, privately?'} onClose={onClose}>
      <p>
        {asking
          ? 'The facilitators know. You can take it back if you are all right.'
          : 'Only the facilitators will see it. Nobody else in the group will know. They will come to you as soon as they can.'}
      </p>
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Close</Button>
        <Button kind="main" icon="help" onClick={ask}>
          {asking ? 'I am all right now' : 'Ask for help'}
        </Button>
      </div>
    </Dialog>
  )
}

function SettingsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Settings and shortcuts" onClose={onClose}>
      <Picker kind="mic" label="Microphone" />
      <Picker kind="camera" label="Camera" />
      <Picker kind="speaker" label="Where you hear the group" />
      <label class="tick">
        <input
          type="checkbox"
          checked={shortcutsOn.value}
          onChange={(e) => {
            shortcutsOn.value = e.currentTarget.checked
          }}
        />
        <span>Use the keyboard shortcuts</span>
      </label>
      <dl class="keys">
        <dt>
          <kbd>M</kbd>
        </dt>
        <dd>Microphone on or off</dd>
        <dt>
          <kbd>V</kbd>
        </dt>
        <dd>Camera on or off</dd>
        <dt>
          <kbd>H</kbd>
        </dt>
        <dd>Raise or lower your hand</dd>
      </dl>
      <p class="hint">
        Nothing is recorded. Nobody can switch on your camera or microphone but you, and a camera that is off
        is fine.
      </p>
      <div class="buttons buttons-end">
        <Button kind="main" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  )
}
