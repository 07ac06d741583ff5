import { useState } from 'react'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import * as A from 'react-aria-components'
import { Download, FileText, Trash2, Upload, X } from 'lucide-react'
import { wording } from '../../api/client'
import { contentPath, deleteFile, filesQuery, uploadFile, type StoredFile } from '../../api/files'
import { Button, IconButton } from '../../ui/button'
import { DeleteDialog } from '../../ui/delete'
import { bytes, exact, stamp, visible } from '../../ui/format'
import { ico, icoS } from '../../ui/icons'
import { List } from '../../ui/list'
import { Older } from '../../ui/older'
import { Notice } from '../../ui/states'
import { ACTIONS } from '../../ui/table'
import { Text } from '../../ui/text'
import { useToast } from '../../ui/toast'

/** The largest file that is taken, in bytes. */
const MOST = 100 * 1024 * 1024

type Fault = { id: number; name: string; message: string }

/** The files of a contact. */
export function Files({ agentId, contactId, canWrite }: { agentId: string; contactId: string; canWrite: boolean }) {
  const list = useInfiniteQuery(filesQuery(agentId, contactId))
  const files = list.data?.pages.flatMap(page => page.items)
  const [deleting, setDeleting] = useState<StoredFile | null>(null)
  const { upload, sending, failed, drop } = useUpload(agentId, contactId)
  return (
    <section className="card" aria-labelledby="contact-files" aria-busy={list.isPending}>
      <div className="card-head">
        <h2 id="contact-files">Files</h2>
        {canWrite && (
          <A.FileTrigger allowsMultiple onSelect={chosen => upload.mutate([...(chosen ?? [])])}>
            <Button size="small" pending={upload.isPending}>
              <Upload {...icoS} />
              Upload
            </Button>
          </A.FileTrigger>
        )}
      </div>
      <div role="status">
        {sending && (
          <p className="small muted pad-x">
            Uploading <Text>{sending}</Text>…
          </p>
        )}
      </div>
      {failed.map(fault => (
        <div key={fault.id} className="pad">
          <Notice
            kind="bad"
            role="alert"
            actions={
              <IconButton label="Dismiss" onPress={() => drop(fault.id)}>
                <X {...icoS} />
              </IconButton>
            }
          >
            <b className="strong">
              <Text>{fault.name}</Text>
            </b>{' '}
            {fault.message}
          </Notice>
        </div>
      ))}
      <List
        of={list}
        items={files}
        what="Files"
        label="Files of the contact"
        columns={['Name', 'Type', 'Size', 'Uploaded', ACTIONS]}
        bones={[2, 60, 50, 30, 40, 30]}
        frame="line-above"
        empty={<p className="pad faint line-above">None</p>}
        foot={list.hasNextPage && <Older of={list} />}
      >
        {file => <Row key={file.id} agentId={agentId} file={file} canWrite={canWrite} onDelete={setDeleting} />}
      </List>
      {deleting && <DeleteFile agentId={agentId} file={deleting} onClose={() => setDeleting(null)} />}
    </section>
  )
}

/** Sends files one after the other; what is refused is told file by file. */
function useUpload(agentId: string, contactId: string) {
  const client = useQueryClient()
  const say = useToast()
  const [sending, setSending] = useState<string | null>(null)
  const [failed, setFailed] = useState<Fault[]>([])
  const upload = useMutation({
    mutationFn: async (files: File[]) => {
      setFailed([])
      let stored = 0
      for (const [id, file] of files.entries()) {
        const fault = (message: string) => setFailed(before => [...before, { id, name: file.name, message }])
        if (file.size > MOST) fault('is larger than 100 MiB.')
        else if (file.size === 0) fault('is empty.')
        else {
          setSending(file.name)
          await uploadFile(agentId, contactId, file).then(
            () => stored++,
            error => fault(`was not uploaded. ${wording(error)}`),
          )
        }
      }
      return stored
    },
    onSuccess: stored => {
      if (stored > 0) say(stored === 1 ? 'File uploaded.' : `${stored} files uploaded.`)
    },
    onSettled: () => {
      setSending(null)
      return client.invalidateQueries({ queryKey: filesQuery(agentId, contactId).queryKey })
    },
  })
  return { upload, sending, failed, drop: (id: number) => setFailed(before => before.filter(fault => fault.id !== id)) }
}

function Row({
  agentId,
  file,
  canWrite,
  onDelete,
}: {
  agentId: string
  file: StoredFile
  canWrite: boolean
  onDelete: (file: StoredFile) => void
}) {
  const name = visible(file.fileName)
  return (
    <tr>
      <td>
        <span className="row">
          <FileText {...ico} className="faint" />
          <Text clip>{file.fileName}</Text>
        </span>
        {file.description && (
          <span className="sub">
            <Text clip>{file.description}</Text>
          </span>
        )}
      </td>
      <td className="muted nowrap">{file.contentType}</td>
      <td className="muted num nowrap" title={`SHA-256 ${file.sha256}`}>
        {bytes(file.sizeBytes)}
      </td>
      <td className="muted num nowrap" title={file.createdAt ? exact(file.createdAt) : undefined}>
        {file.createdAt && stamp(file.createdAt)}
      </td>
      <td>
        <div className="acts">
          <a
            className="btn ghost small icon"
            href={contentPath(agentId, file)}
            download={file.fileName}
            aria-label={`Download ${name}`}
          >
            <Download {...ico} />
          </a>
          {canWrite && (
            <Button kind="ghost" size="small" icon aria-label={`Delete ${name}`} onPress={() => onDelete(file)}>
              <Trash2 {...ico} />
            </Button>
          )}
        </div>
      </td>
    </tr>
  )
}

function DeleteFile({ agentId, file, onClose }: { agentId: string; file: StoredFile; onClose: () => void }) {
  const client = useQueryClient()
  return (
    <DeleteDialog
      name={file.fileName}
      action="Delete file"
      toast="File deleted."
      remove={() => deleteFile(agentId, file)}
      refresh={() => client.invalidateQueries({ queryKey: filesQuery(agentId, file.contactId).queryKey })}
      onClose={onClose}
    >
      <p>The file is permanently deleted.</p>
    </DeleteDialog>
  )
}
