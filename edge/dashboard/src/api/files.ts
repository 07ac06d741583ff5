import { infiniteQueryOptions } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'

/** A file of a contact. Its content never changes. */
export type StoredFile = Schemas['File']

const F = '/v1/console/agents/{agentId}/contacts/{contactId}/files'

export const filesQuery = (agentId: string, contactId: string) =>
  infiniteQueryOptions({
    queryKey: ['files', agentId, contactId],
    queryFn: ({ pageParam, signal }) =>
      page<StoredFile>(
        api.GET(F, {
          params: { path: { agentId, contactId }, query: { limit: 50, cursor: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
  })

/** The bare content. Where the browser knows no type for the file, the server finds one in the content. */
export const uploadFile = (agentId: string, contactId: string, file: File) =>
  must<StoredFile>(
    api.POST(F, {
      params: { path: { agentId, contactId } },
      body: file as never,
      bodySerializer: (content: unknown) => content as File,
      headers: {
        'Content-Type': file.type || null,
        'Content-Disposition': `attachment; filename*=UTF-8''${encoded(file.name)}`,
      },
    }),
  )

/** By RFC 8187, which leaves fewer characters as they are than a URL does. */
const encoded = (name: string) =>
  encodeURIComponent(name).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase())

export const deleteFile = (agentId: string, { contactId, id: fileId }: StoredFile) =>
  must(api.DELETE(`${F}/{fileId}`, { params: { path: { agentId, contactId, fileId } } }))

/** Where a browser finds the content. It comes as an attachment, which no browser opens. */
export const contentPath = (agentId: string, { contactId, id }: StoredFile) =>
  `/v1/console/agents/${agentId}/contacts/${contactId}/files/${id}/content`
