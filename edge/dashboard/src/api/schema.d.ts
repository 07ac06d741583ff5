// Made of /openapi.json by `npm run schema`. Not to be changed by hand.

export interface paths {
    "/v1/console/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAgents"];
        put?: never;
        post: operations["createAgent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getAgent"];
        put?: never;
        post?: never;
        delete: operations["deleteAgent"];
        options?: never;
        head?: never;
        patch: operations["updateAgent"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApiKeys"];
        put?: never;
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getApiKey"];
        put?: never;
        post?: never;
        delete: operations["deleteApiKey"];
        options?: never;
        head?: never;
        patch: operations["updateApiKey"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}/addresses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApiKeyAddresses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApiKeyRequests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getApiKeyUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}:disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["disableApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}:enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["enableApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}:endOverlap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["endOverlap"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}:explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["explainApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/api-keys/{id}:rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["rotateApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contact-fields": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listContactFields"];
        put?: never;
        post: operations["createContactField"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contact-fields/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getContactField"];
        put?: never;
        post?: never;
        delete: operations["deleteContactField"];
        options?: never;
        head?: never;
        patch: operations["updateContactField"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contact-imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listContactImportsAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contact-imports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getContactImportAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contact-imports/{id}/errors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listContactImportErrorsAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listContactsAsMember"];
        put?: never;
        post: operations["createContactAsMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getContactSchemaAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{contactId}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listFilesAsMember"];
        put?: never;
        post: operations["uploadFileAsMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{contactId}/files/{fileId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getFileAsMember"];
        put?: never;
        post?: never;
        delete: operations["deleteFileAsMember"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{contactId}/files/{fileId}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getFileContentAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getContactAsMember"];
        put: operations["replaceContactAsMember"];
        post?: never;
        delete: operations["deleteContactAsMember"];
        options?: never;
        head?: never;
        patch: operations["updateContactAsMember"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{id}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["archiveContactAsMember"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{id}/unarchive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["unarchiveContactAsMember"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts/{id}:export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["exportContact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts:bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["bulkUpsertContactsAsMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts:changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listContactChangesAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts:export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["exportContactsAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts:import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["importContactsAsMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/contacts:watchChanges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["watchContactChangesAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/document-engines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listEnginesAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/document-templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listTemplatesAsMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listJobsAsMember"];
        put?: never;
        post: operations["createJobAsMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/documents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getJobAsMember"];
        put?: never;
        post?: never;
        delete: operations["deleteJobAsMember"];
        options?: never;
        head?: never;
        patch: operations["updateJobAsMember"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/documents/{id}/pages/{page}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/documents/{id}/pages/{page}/image": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getPageImage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listWebhooks"];
        put?: never;
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        patch: operations["updateWebhook"];
        trace?: never;
    };
    "/v1/console/agents/{agentId}/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listWebhookDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/webhooks/{id}/deliveries/{deliveryId}:replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["replayWebhookDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/webhooks/{id}:rotateSecret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/agents/{agentId}/webhooks/{id}:test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listApiKeysWithoutAgentId"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/audit-log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/audit-log:export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["exportAuditLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/extraction-templates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listOwnTemplates"];
        put?: never;
        post: operations["createTemplate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/extraction-templates/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getTemplate"];
        put?: never;
        post?: never;
        delete: operations["deleteTemplate"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/extraction-templates/{name}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listTemplateVersions"];
        put?: never;
        post: operations["createTemplateVersion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/invitations:accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listMembers"];
        put?: never;
        post: operations["createMember"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/members/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getMember"];
        put?: never;
        post?: never;
        delete: operations["deleteMember"];
        options?: never;
        head?: never;
        patch: operations["updateMember"];
        trace?: never;
    };
    "/v1/console/members/{id}:invite": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["renewInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/members/{id}:resetPassword": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["createPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/notices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listNotices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/oidc/{provider}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["finishOidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/oidc/{provider}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["startOidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/passwords:change": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/passwords:requestReset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/passwords:reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/requests/{requestId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getRequest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getSession"];
        put?: never;
        post?: never;
        delete: operations["signOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listSessions"];
        put?: never;
        post: operations["signIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["setUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/sign-in-methods": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listSignInMethods"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listTokens"];
        put?: never;
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getToken"];
        put?: never;
        post?: never;
        delete: operations["deleteToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AcceptInvitationAnswer: {
            data: components["schemas"]["SignedIn"];
            message: string;
            /** @constant */
            success: true;
        };
        AcceptInvitationRequest: {
            name: string;
            password: string;
            token: string;
        };
        AddressUsage: {
            address: string;
            /** Format: date-time */
            lastSeenAt: string;
            /** Format: int32 */
            requests: number;
        };
        Agent: {
            /** Format: date-time */
            createdAt: string;
            /** Format: object-id */
            id: string;
            mode: components["schemas"]["AgentMode"];
            name: string | null;
            /** Format: date-time */
            updatedAt: string;
        };
        AgentInput: {
            mode?: components["schemas"]["AgentMode"] | null;
            name: string;
        };
        /** @enum {string} */
        AgentMode: "LIVE" | "TEST";
        AgentPatch: {
            name?: string;
        };
        AgentReference: {
            /** Format: object-id */
            id: string;
            name: string;
        };
        ApiKey: {
            activity?: components["schemas"]["HourlyActivity"][];
            agent: components["schemas"]["AgentReference"];
            allowedIps: string[];
            apiKey: string;
            /** Format: date-time */
            createdAt: string;
            createdBy: components["schemas"]["MemberReference"];
            description: string;
            effectivePermissions: ("contacts:create" | "contacts:read" | "contacts:update" | "contacts:delete" | "document-extraction:create" | "document-extraction:read" | "document-extraction:update" | "document-extraction:delete")[];
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: object-id */
            id: string;
            /** Format: date-time */
            lastUsedAt: string | null;
            name: string;
            permissions: ("contacts:create" | "contacts:read" | "contacts:update" | "contacts:delete" | "document-extraction:create" | "document-extraction:read" | "document-extraction:update" | "document-extraction:delete")[];
            rateLimits: components["schemas"]["RateLimits"];
            rotation: components["schemas"]["Rotation"] | null;
            secretLast4: string;
            status: components["schemas"]["ApiKeyStatus"];
            /** Format: date-time */
            updatedAt: string;
            /** Format: int32 */
            version: number;
        };
        ApiKeyPatch: {
            allowedIps?: string[] | null;
            description?: string | null;
            expiresAt?: string | null;
            name?: string;
            permissions?: ("contacts:create" | "contacts:read" | "contacts:update" | "contacts:delete" | "document-extraction:create" | "document-extraction:read" | "document-extraction:update" | "document-extraction:delete")[];
            rateLimits?: components["schemas"]["RateLimitsPatch"] | null;
        };
        ApiKeyReference: {
            /** Format: object-id */
            id: string;
            name: string | null;
        };
        /** @enum {string} */
        ApiKeyStatus: "ACTIVE" | "DISABLED" | "EXPIRED";
        ArchiveContactAnswer: {
            data: components["schemas"]["Contact"];
            message: string;
            /** @constant */
            success: true;
        };
        ArchiveContactRequestPatch: Record<string, never>;
        AuditActor: {
            /** Format: object-id */
            id: string | null;
            kind: components["schemas"]["AuditActorKind"] | null;
            member: components["schemas"]["MemberReference"] | null;
            name: string;
        };
        /** @enum {string} */
        AuditActorKind: "MEMBER" | "TOKEN" | "API_KEY" | "SYSTEM";
        AuditEntry: {
            action: string;
            actor: components["schemas"]["AuditActor"];
            after: unknown;
            /** Format: date-time */
            at: string;
            before: unknown;
            clientAddress: string | null;
            description: string;
            hash: string;
            /** Format: object-id */
            id: string;
            /** Format: object-id */
            organizationId: string;
            previousHash: string;
            requestId: string | null;
            resource: components["schemas"]["AuditResource"];
            /** Format: int32 */
            sequence: number;
            status: components["schemas"]["AuditStatus"] | null;
        };
        AuditResource: {
            /** Format: object-id */
            id: string | null;
            name: string | null;
            type: string;
        };
        /** @enum {string} */
        AuditStatus: "SUCCESS" | "FAILURE";
        BoundingBox: {
            /** Format: double */
            height: number;
            /** Format: double */
            left: number;
            /** Format: double */
            top: number;
            /** Format: double */
            width: number;
        };
        BulkResult: {
            error: components["schemas"]["ItemError"] | null;
            /** Format: object-id */
            id: string | null;
            /** Format: int32 */
            index: number;
            status: components["schemas"]["BulkStatus"] | null;
        };
        /** @enum {string} */
        BulkStatus: "CREATED" | "UPDATED" | "FAILED" | "NOT_APPLIED" | "UNCHANGED";
        BulkUpsertContactsAnswer: {
            data: components["schemas"]["BulkUpsertContactsResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        BulkUpsertContactsRequest: {
            /** @default false */
            atomic: boolean | null;
            contacts: components["schemas"]["ContactInput"][];
            /** @default false */
            replace: boolean | null;
        };
        BulkUpsertContactsResponse: {
            results: components["schemas"]["BulkResult"][];
        };
        ChangePasswordAnswer: {
            data: components["schemas"]["SignedIn"];
            message: string;
            /** @constant */
            success: true;
        };
        ChangePasswordRequest: {
            current: string;
            new: string;
        };
        Contact: {
            /** Format: date-time */
            archivedAt: string | null;
            /** Format: date-time */
            createdAt: string;
            customFields: {
                [key: string]: unknown;
            };
            /** Format: email */
            email: string | null;
            externalReferenceId: string | null;
            gender: string | null;
            /** Format: object-id */
            id: string;
            /** Format: phone */
            mobileNumber: string | null;
            name: string | null;
            notes: string | null;
            possibleDuplicates?: components["schemas"]["PossibleDuplicate"][];
            source: string | null;
            stage: components["schemas"]["ContactStage"] | null;
            status: components["schemas"]["ContactStatus"];
            tags: string[];
            /** Format: date-time */
            updatedAt: string;
            /** Format: int32 */
            version: number;
        };
        ContactChange: {
            /** Format: date-time */
            changedAt: string;
            contact: components["schemas"]["Contact"] | null;
            /** Format: object-id */
            contactId: string;
            cursor: string;
            externalReferenceId: string | null;
            type: components["schemas"]["ContactChangeType"] | null;
            /** Format: int32 */
            version: number;
        };
        /** @enum {string} */
        ContactChangeType: "CREATED" | "UPDATED" | "ARCHIVED" | "UNARCHIVED" | "DELETED";
        ContactField: {
            /** Format: date-time */
            createdAt: string;
            default: unknown;
            key: string | null;
            /** Format: int32 */
            maxLength: number | null;
            /** Format: double */
            maximum: number | null;
            /** Format: double */
            minimum: number | null;
            options: string[];
            required: boolean;
            title: string;
            type: components["schemas"]["ContactFieldType"];
            unique: boolean;
            /** Format: date-time */
            updatedAt: string;
        };
        ContactFieldInput: {
            default?: unknown;
            key: string;
            /** Format: int32 */
            maxLength?: number | null;
            /** Format: double */
            maximum?: number | null;
            /** Format: double */
            minimum?: number | null;
            options?: string[] | null;
            required?: boolean | null;
            title?: string | null;
            type: components["schemas"]["ContactFieldType"];
            unique?: boolean | null;
        };
        ContactFieldPatch: {
            default?: unknown;
            /** Format: int32 */
            maxLength?: number | null;
            /** Format: double */
            maximum?: number | null;
            /** Format: double */
            minimum?: number | null;
            options?: string[] | null;
            required?: boolean | null;
            title?: string | null;
            unique?: boolean | null;
        };
        /** @enum {string} */
        ContactFieldType: "TEXT" | "LONG_TEXT" | "NUMBER" | "DATE" | "BOOLEAN" | "SELECT" | "MULTI_SELECT" | "EMAIL" | "PHONE" | "URL";
        ContactImport: {
            /** Format: int32 */
            created: number;
            /** Format: date-time */
            createdAt: string;
            dryRun: boolean;
            error: components["schemas"]["ItemError"] | null;
            errors: components["schemas"]["ImportError"][];
            /** Format: int32 */
            failed: number;
            /** Format: date-time */
            finishedAt: string | null;
            /** Format: object-id */
            id: string;
            label: string | null;
            /** Format: int32 */
            rows: number;
            status: components["schemas"]["ContactImportStatus"] | null;
            /** Format: int32 */
            unchanged: number;
            /** Format: int32 */
            updated: number;
            /** Format: date-time */
            updatedAt: string;
        };
        /** @enum {string} */
        ContactImportStatus: "RUNNING" | "FINISHED" | "FAILED" | "INTERRUPTED";
        ContactInput: {
            customFields?: {
                [key: string]: unknown;
            } | null;
            /** Format: email */
            email?: string | null;
            externalReferenceId?: string | null;
            gender?: string | null;
            /** Format: phone */
            mobileNumber?: string | null;
            name?: string | null;
            notes?: string | null;
            source?: string | null;
            stage?: components["schemas"]["ContactStage"] | null;
            tags?: string[] | null;
        };
        ContactPatch: {
            customFields?: {
                [key: string]: unknown;
            } | null;
            /** Format: email */
            email?: string | null;
            externalReferenceId?: string | null;
            gender?: string | null;
            /** Format: phone */
            mobileNumber?: string | null;
            name?: string | null;
            notes?: string | null;
            source?: string | null;
            stage?: components["schemas"]["ContactStage"] | null;
            tags?: string[] | null;
        };
        /** @enum {string} */
        ContactStage: "LEAD" | "PROSPECT" | "CUSTOMER" | "OLD_CUSTOMER";
        /** @enum {string} */
        ContactStatus: "ACTIVE" | "ARCHIVED";
        /** @enum {string} */
        ContactStatusFilter: "ACTIVE" | "ARCHIVED" | "ANY";
        Correction: {
            /** Format: date-time */
            correctedAt: string | null;
            path: string;
            value: unknown;
        };
        CorrectionPatch: {
            path?: string;
            value?: unknown;
        };
        CreateAgentAnswer: {
            data: components["schemas"]["Agent"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateApiKeyAnswer: {
            data: components["schemas"]["CreateApiKeyResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateApiKeyRequest: {
            allowedIps?: string[] | null;
            description?: string | null;
            expiresAt?: string | null;
            name: string;
            permissions: ("contacts:create" | "contacts:read" | "contacts:update" | "contacts:delete" | "document-extraction:create" | "document-extraction:read" | "document-extraction:update" | "document-extraction:delete")[];
            rateLimits?: components["schemas"]["RateLimitsInput"] | null;
        };
        CreateApiKeyResponse: {
            key: components["schemas"]["ApiKey"];
            secret: string;
        };
        CreateContactAnswer: {
            data: components["schemas"]["Contact"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateContactFieldAnswer: {
            data: components["schemas"]["ContactField"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateJobAnswer: {
            data: components["schemas"]["Job"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateJobMetadataInput: {
            contentType?: string | null;
            document?: components["schemas"]["DocumentSourceInput"] | null;
            fileName?: string | null;
            options?: components["schemas"]["ExtractionOptionsInput"] | null;
            schema?: Record<string, never> | null;
            template?: string | null;
        };
        CreateMemberAnswer: {
            data: components["schemas"]["Member"];
            message: string;
            /** @constant */
            success: true;
        };
        CreatePasswordResetAnswer: {
            data: components["schemas"]["CreatePasswordResetResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        CreatePasswordResetRequest: Record<string, never>;
        CreatePasswordResetResponse: {
            /** Format: date-time */
            expiresAt: string;
            resetUrl: string;
        };
        CreateTemplateAnswer: {
            data: components["schemas"]["Template"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateTemplateVersionAnswer: {
            data: components["schemas"]["Template"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateTokenAnswer: {
            data: components["schemas"]["CreateTokenResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateTokenRequest: {
            expiresAt?: string | null;
            name: string;
            role?: components["schemas"]["Role"] | null;
        };
        CreateTokenResponse: {
            secret: string;
            token: components["schemas"]["Token"];
        };
        CreateWebhookAnswer: {
            data: components["schemas"]["CreateWebhookResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        CreateWebhookResponse: {
            secret: string;
            webhook: components["schemas"]["Webhook"];
        };
        DeleteAgentAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteApiKeyAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteContactAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteContactFieldAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteFileAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteJobAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteMemberAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteTemplateAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteTokenAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        DeleteWebhookAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        Denial: {
            /** Format: date-time */
            at: string;
            clientAddress: string;
            code: string;
            permission: string | null;
            requestId: string | null;
        };
        DetectedTemplate: {
            /** Format: double */
            confidence: number;
            name: string;
            /** Format: int32 */
            version: number;
        };
        DisableApiKeyAnswer: {
            data: components["schemas"]["ApiKey"];
            message: string;
            /** @constant */
            success: true;
        };
        DisableApiKeyRequest: Record<string, never>;
        DocumentNotice: {
            detail: string | null;
            kind: components["schemas"]["DocumentNoticeKind"] | null;
            /** Format: int32 */
            page: number | null;
        };
        /** @enum {string} */
        DocumentNoticeKind: "MISLABELLED" | "HIDDEN_TEXT" | "UNRELIABLE_TEXT_LAYER" | "SIMPLER_OCR" | "DAMAGED" | "EXTERNAL_REFERENCE" | "MISSING_PAGES" | "ATTACHMENTS_NOT_READ" | "TRUNCATED";
        DocumentSourceInput: {
            contactFileId?: string | null;
            contentBase64?: string | null;
        };
        EnableApiKeyAnswer: {
            data: components["schemas"]["ApiKey"];
            message: string;
            /** @constant */
            success: true;
        };
        EnableApiKeyRequest: Record<string, never>;
        EndOverlapAnswer: {
            data: components["schemas"]["ApiKey"];
            message: string;
            /** @constant */
            success: true;
        };
        EndOverlapRequest: Record<string, never>;
        EndSessionAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        Engine: {
            builtIn: boolean;
            name: string;
        };
        ExplainApiKeyAnswer: {
            data: components["schemas"]["ExplainApiKeyResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        ExplainApiKeyRequest: {
            address?: string | null;
            agent?: string | null;
            /** Format: date-time */
            at?: string | null;
            permission?: ("contacts:create" | "contacts:read" | "contacts:update" | "contacts:delete" | "document-extraction:create" | "document-extraction:read" | "document-extraction:update" | "document-extraction:delete") | null;
            requestId?: string | null;
        };
        ExplainApiKeyResponse: {
            allowed: boolean;
            /** Format: date-time */
            at: string;
            code: string | null;
            message: string;
            requestId: string | null;
            rows: components["schemas"]["ExplainedRow"][];
            rule: string;
        };
        ExplainedRow: {
            code: string;
            reason: string | null;
            result: string;
        };
        ExportContactAnswer: {
            data: components["schemas"]["ExportContactResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        ExportContactResponse: {
            changes: components["schemas"]["ExportedChange"][];
            contact: components["schemas"]["Contact"];
            /** Format: date-time */
            exportedAt: string;
            files: components["schemas"]["File"][];
        };
        /** @enum {string} */
        ExportFormat: "CSV" | "NDJSON";
        ExportedChange: {
            actorId: string | null;
            /** Format: date-time */
            changedAt: string;
            type: components["schemas"]["ContactChangeType"] | null;
            /** Format: int32 */
            version: number;
        };
        /** @enum {string} */
        ExtractionMethod: "TEXT" | "OCR" | "MODEL";
        ExtractionOptions: {
            detectType: boolean | null;
            engine: string | null;
            languages: string[];
            ocr: components["schemas"]["OcrMode"] | null;
            pages: string | null;
        };
        ExtractionOptionsInput: {
            detectType?: boolean | null;
            engine?: string | null;
            languages?: string[] | null;
            ocr?: components["schemas"]["OcrMode"] | null;
            pages?: string | null;
        };
        FieldSource: {
            anchor: string | null;
            boundingBox: components["schemas"]["BoundingBox"] | null;
            hidden: boolean;
            /** Format: int32 */
            page: number;
            text: string;
        };
        File: {
            contactId: string;
            contentType: string;
            /** Format: date-time */
            createdAt: string | null;
            description: string | null;
            fileName: string;
            id: string;
            sha256: string;
            /** Format: int32 */
            sizeBytes: number;
        };
        GetAgentAnswer: {
            data: components["schemas"]["Agent"];
            message: string;
            /** @constant */
            success: true;
        };
        GetApiKeyAnswer: {
            data: components["schemas"]["ApiKey"];
            message: string;
            /** @constant */
            success: true;
        };
        GetApiKeyUsageAnswer: {
            data: components["schemas"]["GetApiKeyUsageResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        GetApiKeyUsageResponse: {
            buckets: components["schemas"]["UsageBucket"][];
            granularity: string;
            operations: components["schemas"]["OperationUsage"][];
            outcomes: components["schemas"]["OutcomeUsage"][];
            recentDenials: components["schemas"]["Denial"][];
            totals: components["schemas"]["UsageTotals"];
            unusedPermissions: ("contacts:create" | "contacts:read" | "contacts:update" | "contacts:delete" | "document-extraction:create" | "document-extraction:read" | "document-extraction:update" | "document-extraction:delete")[];
            windows: components["schemas"]["Windows"];
        };
        GetContactAnswer: {
            data: components["schemas"]["Contact"];
            message: string;
            /** @constant */
            success: true;
        };
        GetContactFieldAnswer: {
            data: components["schemas"]["ContactField"];
            message: string;
            /** @constant */
            success: true;
        };
        GetContactImportAnswer: {
            data: components["schemas"]["ContactImport"];
            message: string;
            /** @constant */
            success: true;
        };
        GetContactSchemaAnswer: {
            data: Record<string, never>;
            message: string;
            /** @constant */
            success: true;
        };
        GetFileAnswer: {
            data: components["schemas"]["File"];
            message: string;
            /** @constant */
            success: true;
        };
        GetJobAnswer: {
            data: components["schemas"]["Job"];
            message: string;
            /** @constant */
            success: true;
        };
        GetMemberAnswer: {
            data: components["schemas"]["Member"];
            message: string;
            /** @constant */
            success: true;
        };
        GetPageAnswer: {
            data: components["schemas"]["Page"];
            message: string;
            /** @constant */
            success: true;
        };
        GetRequestAnswer: {
            data: components["schemas"]["LoggedRequest"];
            message: string;
            /** @constant */
            success: true;
        };
        GetSessionAnswer: {
            data: components["schemas"]["SignedIn"];
            message: string;
            /** @constant */
            success: true;
        };
        GetTemplateAnswer: {
            data: components["schemas"]["Template"];
            message: string;
            /** @constant */
            success: true;
        };
        GetTokenAnswer: {
            data: components["schemas"]["Token"];
            message: string;
            /** @constant */
            success: true;
        };
        GetWebhookAnswer: {
            data: components["schemas"]["Webhook"];
            message: string;
            /** @constant */
            success: true;
        };
        HourlyActivity: {
            /** Format: int32 */
            allowed: number;
            /** Format: int32 */
            denied: number;
        };
        ImportContactsAnswer: {
            data: components["schemas"]["ContactImport"];
            message: string;
            /** @constant */
            success: true;
        };
        ImportError: {
            error: components["schemas"]["ItemError"] | null;
            /** Format: int32 */
            line: number;
        };
        ItemError: {
            code: string;
            details: components["schemas"]["ItemErrorDetail"][];
            message: string;
        };
        ItemErrorDetail: {
            code: string;
            field: string;
            message: string;
        };
        Job: {
            contactFileId: string | null;
            contentType: string | null;
            corrections: components["schemas"]["Correction"][];
            /** Format: date-time */
            createdAt: string | null;
            /** Format: date-time */
            documentDeletedAt: string | null;
            error: components["schemas"]["JobError"] | null;
            fileName: string | null;
            /** Format: date-time */
            finishedAt: string | null;
            id: string;
            learning: components["schemas"]["JobLearning"] | null;
            /** Format: double */
            lowestConfidence: number | null;
            options: components["schemas"]["ExtractionOptions"] | null;
            /** Format: int32 */
            pageCount: number | null;
            /** Format: int32 */
            pagesRead: number | null;
            result: components["schemas"]["JobResult"] | null;
            schema: Record<string, never> | null;
            /** Format: int32 */
            sizeBytes: number;
            /** Format: date-time */
            startedAt: string | null;
            status: components["schemas"]["JobStatus"] | null;
            template: string | null;
            /** Format: int32 */
            templateVersion: number | null;
            /** Format: date-time */
            updatedAt: string | null;
            usage: components["schemas"]["JobUsage"] | null;
        };
        JobCorrectionsPatch: {
            corrections?: components["schemas"]["CorrectionPatch"][] | null;
            fields?: {
                [key: string]: unknown;
            } | null;
        };
        JobError: {
            code: string;
            message: string;
        };
        JobLearning: {
            accuracy: components["schemas"]["LearningAccuracy"] | null;
            active: boolean;
            /** Format: int32 */
            corrections: number;
            pending: boolean;
            /** Format: date-time */
            updatedAt: string | null;
        };
        JobResult: {
            data: Record<string, never> | null;
            detectedTemplate: components["schemas"]["DetectedTemplate"] | null;
            fields: components["schemas"]["ResultField"][];
            notices: components["schemas"]["DocumentNotice"][];
        };
        /** @enum {string} */
        JobStatus: "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
        JobUsage: {
            /** Format: int32 */
            fields: number;
            /** Format: int32 */
            modelInputTokens: number;
            /** Format: int32 */
            modelOutputTokens: number;
            /** Format: int32 */
            pages: number;
        };
        LearningAccuracy: {
            /** Format: double */
            after: number;
            /** Format: double */
            before: number;
            /** Format: int32 */
            documents: number;
        };
        ListAgentsAnswer: {
            data: components["schemas"]["Agent"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListApiKeyAddressesAnswer: {
            data: components["schemas"]["AddressUsage"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListApiKeyRequestsAnswer: {
            data: components["schemas"]["LoggedRequest"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListApiKeysAnswer: {
            data: components["schemas"]["ApiKey"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListAuditEntriesAnswer: {
            data: components["schemas"]["AuditEntry"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListContactChangesAnswer: {
            data: components["schemas"]["ContactChange"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListContactFieldsAnswer: {
            data: components["schemas"]["ContactField"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListContactImportErrorsAnswer: {
            data: components["schemas"]["ImportError"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListContactImportsAnswer: {
            data: components["schemas"]["ContactImport"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListContactsAnswer: {
            data: components["schemas"]["Contact"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListEnginesAnswer: {
            data: components["schemas"]["Engine"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListFilesAnswer: {
            data: components["schemas"]["File"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListJobsAnswer: {
            data: components["schemas"]["Job"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListMembersAnswer: {
            data: components["schemas"]["Member"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListNoticesAnswer: {
            data: components["schemas"]["Notice"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListOwnTemplatesAnswer: {
            data: components["schemas"]["Template"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListSessionsAnswer: {
            data: components["schemas"]["Session"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListSignInMethodsAnswer: {
            data: components["schemas"]["ListSignInMethodsResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        ListSignInMethodsResponse: {
            oidc: components["schemas"]["OidcProvider"][];
            password: boolean;
            passwordReset: boolean;
        };
        ListTemplateVersionsAnswer: {
            data: components["schemas"]["Template"][];
            message: string;
            /** @constant */
            success: true;
        };
        ListTemplatesAnswer: {
            data: components["schemas"]["Template"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListTokensAnswer: {
            data: components["schemas"]["Token"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListWebhookDeliveriesAnswer: {
            data: components["schemas"]["WebhookDelivery"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        ListWebhooksAnswer: {
            data: components["schemas"]["Webhook"][];
            message: string;
            pagination: components["schemas"]["Pagination"];
            /** @constant */
            success: true;
        };
        LoggedAgent: {
            /** Format: object-id */
            id: string;
            name: string | null;
        };
        LoggedRequest: {
            agent: components["schemas"]["LoggedAgent"];
            /** Format: date-time */
            at: string;
            clientAddress: string;
            clientRequestId: string | null;
            code: string;
            /** Format: double */
            durationMs: number;
            key: components["schemas"]["ApiKeyReference"] | null;
            method: string;
            operation: string;
            permission: string | null;
            /** Format: object-id */
            requestId: string;
            route: string;
            secretLast4: string | null;
            /** Format: int32 */
            status: number;
        };
        MaxRateLimits: {
            /** Format: int32 */
            perHour: number;
            /** Format: int32 */
            perMinute: number;
        };
        Member: {
            /** Format: date-time */
            createdAt: string;
            /** Format: email */
            email: string;
            /** Format: object-id */
            id: string;
            /** Format: date-time */
            inviteExpiresAt: string | null;
            inviteUrl: string | null;
            /** Format: date-time */
            lastSeenAt: string | null;
            name: string;
            role: components["schemas"]["Role"];
            status: components["schemas"]["MemberStatus"];
            /** Format: date-time */
            updatedAt: string;
        };
        MemberInput: {
            /** Format: email */
            email: string;
            name?: string | null;
            /** @enum {string} */
            role: "USER" | "ADMIN";
        };
        MemberPatch: {
            /** @enum {string} */
            role?: "USER" | "ADMIN";
        };
        MemberReference: {
            /** Format: object-id */
            id: string;
            name: string;
        };
        /** @enum {string} */
        MemberStatus: "INVITED" | "ACTIVE";
        NewTemplateInput: {
            description?: string | null;
            name: string;
            schema: Record<string, never>;
            title: string;
        };
        Notice: {
            agent: components["schemas"]["AgentReference"];
            /** Format: int32 */
            days: number;
            /** Format: date-time */
            endsAt: string;
            key: components["schemas"]["NoticeKey"];
            kind: components["schemas"]["NoticeKind"];
            /** Format: date-time */
            lastUsedAt: string | null;
            secretLast4: string;
        };
        NoticeKey: {
            /** Format: object-id */
            id: string;
            name: string;
        };
        /** @enum {string} */
        NoticeKind: "KEY_EXPIRES" | "SECRET_ENDS";
        /** @enum {string} */
        OcrMode: "AUTO" | "ALWAYS" | "NEVER";
        OidcProvider: {
            id: string;
            title: string;
        };
        OperationUsage: {
            /** Format: date-time */
            lastUsedAt: string;
            operation: string;
            permission: string;
            /** Format: int32 */
            requests: number;
        };
        OutcomeUsage: {
            code: string;
            /** Format: int32 */
            requests: number;
        };
        Page: {
            /** Format: double */
            height: number;
            method: components["schemas"]["ExtractionMethod"] | null;
            name: string | null;
            /** Format: int32 */
            next: number | null;
            /** Format: int32 */
            number: number;
            /** Format: int32 */
            previous: number | null;
            synthetic: boolean;
            /** Format: double */
            width: number;
            /** Format: int32 */
            wordCount: number;
            words: components["schemas"]["PageWord"][];
        };
        PageWord: {
            boundingBox: components["schemas"]["BoundingBox"] | null;
            /** Format: double */
            confidence: number | null;
            hidden: boolean;
            /** Format: int32 */
            line: number;
            text: string;
        };
        Pagination: {
            hasMore: boolean;
            limit: number;
            nextCursor: string | null;
            total?: number;
        };
        PossibleDuplicate: {
            externalReferenceId: string | null;
            /** Format: object-id */
            id: string;
            matchedBy: string[];
        };
        RateLimits: {
            /** Format: int32 */
            perHour: number;
            /** Format: int32 */
            perMinute: number;
        };
        RateLimitsInput: {
            /**
             * Format: int32
             * @default 1000
             */
            perHour: number | null;
            /**
             * Format: int32
             * @default 60
             */
            perMinute: number | null;
        };
        RateLimitsPatch: {
            /** Format: int32 */
            perHour?: number | null;
            /** Format: int32 */
            perMinute?: number | null;
        };
        RegisteredScope: {
            actions: string[];
            badge: string;
            scope: string;
            title: string;
        };
        RenewInvitationAnswer: {
            data: components["schemas"]["Member"];
            message: string;
            /** @constant */
            success: true;
        };
        RenewInvitationRequest: Record<string, never>;
        ReplaceContactAnswer: {
            data: components["schemas"]["Contact"];
            message: string;
            /** @constant */
            success: true;
        };
        ReplayWebhookDeliveryAnswer: {
            data: components["schemas"]["WebhookDelivery"];
            message: string;
            /** @constant */
            success: true;
        };
        ReplayWebhookDeliveryRequest: Record<string, never>;
        RequestPasswordResetAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        RequestPasswordResetRequest: {
            email: string;
        };
        ResetPasswordAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        ResetPasswordRequest: {
            password: string;
            token: string;
        };
        ResultField: {
            /** Format: double */
            confidence: number;
            method: components["schemas"]["ExtractionMethod"] | null;
            path: string;
            source: components["schemas"]["FieldSource"] | null;
            uncalibrated: boolean;
            value: unknown;
        };
        /** @enum {string} */
        Role: "USER" | "ADMIN" | "OWNER";
        RotateApiKeyAnswer: {
            data: components["schemas"]["RotateApiKeyResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        RotateApiKeyRequest: {
            /**
             * Format: int32
             * @default 0
             */
            overlapSeconds: number | null;
        };
        RotateApiKeyResponse: {
            key: components["schemas"]["ApiKey"];
            secret: string;
        };
        RotateWebhookSecretAnswer: {
            data: components["schemas"]["RotateWebhookSecretResponse"];
            message: string;
            /** @constant */
            success: true;
        };
        RotateWebhookSecretRequest: {
            /**
             * Format: int32
             * @default 86400
             */
            overlapSeconds: number | null;
        };
        RotateWebhookSecretResponse: {
            secret: string;
            webhook: components["schemas"]["Webhook"];
        };
        Rotation: {
            /** Format: date-time */
            overlapEndsAt: string;
            /** Format: date-time */
            previousLastUsedAt: string | null;
            previousSecretLast4: string;
        };
        Session: {
            clientAddress: string;
            /** Format: date-time */
            createdAt: string;
            current: boolean;
            /** Format: object-id */
            id: string;
            /** Format: date-time */
            lastSeenAt: string;
            userAgent: string;
        };
        SetUpAnswer: {
            data: components["schemas"]["SignedIn"];
            message: string;
            /** @constant */
            success: true;
        };
        SetUpRequest: {
            /**
             * Format: email
             * @default owner@keyward.invalid
             */
            email: string | null;
            name: string;
            /** @default My organization */
            organization: string | null;
            password: string;
            token: string;
        };
        SignInAnswer: {
            data: components["schemas"]["SignedIn"];
            message: string;
            /** @constant */
            success: true;
        };
        SignInRequest: {
            email: string;
            password: string;
        };
        SignOutAnswer: {
            data: null;
            message: string;
            /** @constant */
            success: true;
        };
        SignedIn: {
            apiBaseUrl: string;
            clientAddress: string;
            csrfToken: string | null;
            /** Format: date-time */
            expiresAt: string | null;
            maxRateLimits: components["schemas"]["MaxRateLimits"];
            member: components["schemas"]["SignedInMember"];
            organization: components["schemas"]["SignedInOrganization"];
            scopes: components["schemas"]["RegisteredScope"][];
        };
        SignedInMember: {
            email: string;
            /** Format: object-id */
            id: string;
            name: string;
            role: components["schemas"]["Role"];
        };
        SignedInOrganization: {
            /** Format: object-id */
            id: string;
            name: string;
        };
        Template: {
            builtIn: boolean;
            /** Format: date-time */
            createdAt: string | null;
            description: string;
            name: string;
            schema: Record<string, never> | null;
            title: string;
            /** Format: int32 */
            version: number;
        };
        TemplateContentInput: {
            description?: string | null;
            schema: Record<string, never>;
            title: string;
        };
        TestWebhookAnswer: {
            data: components["schemas"]["WebhookTestResult"];
            message: string;
            /** @constant */
            success: true;
        };
        TestWebhookRequest: Record<string, never>;
        Token: {
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: object-id */
            id: string;
            last4: string;
            name: string;
            role: components["schemas"]["Role"];
        };
        UnarchiveContactAnswer: {
            data: components["schemas"]["Contact"];
            message: string;
            /** @constant */
            success: true;
        };
        UnarchiveContactRequestPatch: Record<string, never>;
        UpdateAgentAnswer: {
            data: components["schemas"]["Agent"];
            message: string;
            /** @constant */
            success: true;
        };
        UpdateApiKeyAnswer: {
            data: components["schemas"]["ApiKey"];
            message: string;
            /** @constant */
            success: true;
        };
        UpdateContactAnswer: {
            data: components["schemas"]["Contact"];
            message: string;
            /** @constant */
            success: true;
        };
        UpdateContactFieldAnswer: {
            data: components["schemas"]["ContactField"];
            message: string;
            /** @constant */
            success: true;
        };
        UpdateJobAnswer: {
            data: components["schemas"]["Job"];
            message: string;
            /** @constant */
            success: true;
        };
        UpdateMemberAnswer: {
            data: components["schemas"]["Member"];
            message: string;
            /** @constant */
            success: true;
        };
        UpdateWebhookAnswer: {
            data: components["schemas"]["Webhook"];
            message: string;
            /** @constant */
            success: true;
        };
        UploadFileAnswer: {
            data: components["schemas"]["File"];
            message: string;
            /** @constant */
            success: true;
        };
        UsageBucket: {
            /** Format: int32 */
            allowed: number;
            /** Format: int32 */
            denied: number;
            /** Format: int32 */
            rateLimited: number;
            /** Format: int32 */
            requests: number;
            /** Format: date-time */
            start: string;
        };
        UsageTotals: {
            /** Format: int32 */
            allowed: number;
            /** Format: int32 */
            denied: number;
            /** Format: int32 */
            requests: number;
        };
        Webhook: {
            /** Format: date-time */
            createdAt: string;
            description: string;
            disabledReason: components["schemas"]["WebhookDisabledReason"] | null;
            events: string[];
            /** Format: date-time */
            failingSince: string | null;
            /** Format: object-id */
            id: string;
            /** Format: date-time */
            overlapEndsAt: string | null;
            status: components["schemas"]["WebhookStatus"];
            /** Format: date-time */
            updatedAt: string;
            /** Format: uri */
            url: string | null;
            /** Format: int32 */
            version: number;
        };
        WebhookDelivery: {
            /** Format: int32 */
            attempts: number;
            /** Format: date-time */
            createdAt: string;
            event: string;
            /** Format: object-id */
            id: string;
            lastFailure: components["schemas"]["WebhookFailure"] | null;
            /** Format: int32 */
            lastStatus: number | null;
            /** Format: date-time */
            nextAttemptAt: string | null;
            status: components["schemas"]["WebhookDeliveryStatus"];
        };
        /** @enum {string} */
        WebhookDeliveryStatus: "PENDING" | "DELIVERED" | "DEAD";
        /** @enum {string} */
        WebhookDisabledReason: "BY_MEMBER" | "GONE" | "FAILING";
        /** @enum {string} */
        WebhookFailure: "UNREACHABLE" | "TLS" | "TIMED_OUT" | "NO_ANSWER";
        WebhookInput: {
            description?: string | null;
            events: string[];
            status?: components["schemas"]["WebhookStatus"] | null;
            /** Format: uri */
            url: string;
        };
        WebhookPatch: {
            description?: string | null;
            events?: string[];
            status?: components["schemas"]["WebhookStatus"] | null;
            /** Format: uri */
            url?: string;
        };
        /** @enum {string} */
        WebhookStatus: "ACTIVE" | "DISABLED";
        WebhookTestResult: {
            delivered: boolean;
            failure: components["schemas"]["WebhookFailure"] | null;
            /** Format: int32 */
            status: number | null;
        };
        Window: {
            /** Format: int32 */
            limit: number;
            /** Format: int32 */
            remaining: number;
            /** Format: int32 */
            resetSeconds: number;
        };
        Windows: {
            hour: components["schemas"]["Window"];
            minute: components["schemas"]["Window"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listAgents: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "mode": "LIVE",
                     *           "name": "Support",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "message": "Agents retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListAgentsAnswer"];
                };
            };
        };
    };
    createAgent: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "mode": "LIVE",
                 *       "name": "Support"
                 *     }
                 */
                "application/json": components["schemas"]["AgentInput"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mode": "LIVE",
                     *         "name": "Support",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Agent created successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateAgentAnswer"];
                };
            };
        };
    };
    getAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mode": "LIVE",
                     *         "name": "Support",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Agent retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetAgentAnswer"];
                };
            };
        };
    };
    deleteAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Agent deleted successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteAgentAnswer"];
                };
            };
        };
    };
    updateAgent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "Support"
                 *     }
                 */
                "application/json": components["schemas"]["AgentPatch"];
                /**
                 * @example {
                 *       "name": "Support"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["AgentPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mode": "LIVE",
                     *         "name": "Support",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Agent updated successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateAgentAnswer"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                search?: string;
                status?: components["schemas"]["ApiKeyStatus"];
                unusedDays?: number;
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
                /**
                 * @example [
                 *       "activity"
                 *     ]
                 */
                include?: string[];
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "agent": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Support"
                     *           },
                     *           "allowedIps": [
                     *             "192.0.2.0/24"
                     *           ],
                     *           "apiKey": "kw_live_0000000000000000000000000000",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "createdBy": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Ada"
                     *           },
                     *           "effectivePermissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "expiresAt": "2099-12-31T23:59:59.000Z",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "lastUsedAt": null,
                     *           "name": "Production sync",
                     *           "permissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "rateLimits": {
                     *             "perHour": 1000,
                     *             "perMinute": 60
                     *           },
                     *           "rotation": null,
                     *           "secretLast4": "9fQz",
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "version": 1
                     *         }
                     *       ],
                     *       "message": "API keys retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListApiKeysAnswer"];
                };
            };
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "allowedIps": [
                 *         "192.0.2.0/24"
                 *       ],
                 *       "expiresAt": "2099-12-31T23:59:59.000Z",
                 *       "name": "Production sync",
                 *       "permissions": [
                 *         "contacts:read",
                 *         "contacts:create"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["CreateApiKeyRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "key": {
                     *           "agent": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Support"
                     *           },
                     *           "allowedIps": [
                     *             "192.0.2.0/24"
                     *           ],
                     *           "apiKey": "kw_live_0000000000000000000000000000",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "createdBy": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Ada"
                     *           },
                     *           "effectivePermissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "expiresAt": "2099-12-31T23:59:59.000Z",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "lastUsedAt": null,
                     *           "name": "Production sync",
                     *           "permissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "rateLimits": {
                     *             "perHour": 1000,
                     *             "perMinute": 60
                     *           },
                     *           "rotation": null,
                     *           "secretLast4": "9fQz",
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "version": 1
                     *         },
                     *         "secret": "kws_live_0000000000000000000000000000000000000000000000000"
                     *       },
                     *       "message": "API key created successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateApiKeyAnswer"];
                };
            };
        };
    };
    getApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
                /** @example "1" */
                "If-None-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "agent": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Support"
                     *         },
                     *         "allowedIps": [
                     *           "192.0.2.0/24"
                     *         ],
                     *         "apiKey": "kw_live_0000000000000000000000000000",
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "createdBy": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Ada"
                     *         },
                     *         "effectivePermissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "expiresAt": "2099-12-31T23:59:59.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "lastUsedAt": null,
                     *         "name": "Production sync",
                     *         "permissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "rateLimits": {
                     *           "perHour": 1000,
                     *           "perMinute": 60
                     *         },
                     *         "rotation": null,
                     *         "secretLast4": "9fQz",
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "API key retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetApiKeyAnswer"];
                };
            };
        };
    };
    deleteApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "API key deleted successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteApiKeyAnswer"];
                };
            };
        };
    };
    updateApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "allowedIps": [
                 *         "192.0.2.0/24"
                 *       ],
                 *       "expiresAt": "2099-12-31T23:59:59.000Z",
                 *       "name": "Production sync",
                 *       "permissions": [
                 *         "contacts:read",
                 *         "contacts:create"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ApiKeyPatch"];
                /**
                 * @example {
                 *       "allowedIps": [
                 *         "192.0.2.0/24"
                 *       ],
                 *       "expiresAt": "2099-12-31T23:59:59.000Z",
                 *       "name": "Production sync",
                 *       "permissions": [
                 *         "contacts:read",
                 *         "contacts:create"
                 *       ]
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ApiKeyPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "agent": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Support"
                     *         },
                     *         "allowedIps": [
                     *           "192.0.2.0/24"
                     *         ],
                     *         "apiKey": "kw_live_0000000000000000000000000000",
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "createdBy": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Ada"
                     *         },
                     *         "effectivePermissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "expiresAt": "2099-12-31T23:59:59.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "lastUsedAt": null,
                     *         "name": "Production sync",
                     *         "permissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "rateLimits": {
                     *           "perHour": 1000,
                     *           "perMinute": 60
                     *         },
                     *         "rotation": null,
                     *         "secretLast4": "9fQz",
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "API key updated successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateApiKeyAnswer"];
                };
            };
        };
    };
    listApiKeyAddresses: {
        parameters: {
            query?: {
                days?: number;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "address": "192.0.2.7",
                     *           "lastSeenAt": "2026-01-31T12:00:00.000Z",
                     *           "requests": 42
                     *         }
                     *       ],
                     *       "message": "API key addresses retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListApiKeyAddressesAnswer"];
                };
            };
        };
    };
    listApiKeyRequests: {
        parameters: {
            query?: {
                code?: string;
                from?: string;
                to?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "agent": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Support"
                     *           },
                     *           "at": "2026-01-31T12:00:00.000Z",
                     *           "clientAddress": "192.0.2.7",
                     *           "clientRequestId": "sync-2026-01-31-7",
                     *           "code": "ok",
                     *           "durationMs": 1.5,
                     *           "key": null,
                     *           "method": "GET",
                     *           "operation": "contacts.list",
                     *           "permission": "contacts:read",
                     *           "requestId": "65f0c0ffee65f0c0ffee65f0",
                     *           "route": "/v1/open/contacts/chatbots/{agent_id}",
                     *           "secretLast4": "9fQz",
                     *           "status": 200
                     *         }
                     *       ],
                     *       "message": "Requests retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListApiKeyRequestsAnswer"];
                };
            };
        };
    };
    getApiKeyUsage: {
        parameters: {
            query?: {
                from?: string;
                to?: string;
                /** @example hour */
                granularity?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "buckets": [
                     *           {
                     *             "allowed": 40,
                     *             "denied": 2,
                     *             "rateLimited": 1,
                     *             "requests": 42,
                     *             "start": "2026-01-31T12:00:00.000Z"
                     *           }
                     *         ],
                     *         "granularity": "hour",
                     *         "operations": [
                     *           {
                     *             "lastUsedAt": "2026-01-31T12:00:00.000Z",
                     *             "operation": "contacts.list",
                     *             "permission": "contacts:read",
                     *             "requests": 42
                     *           }
                     *         ],
                     *         "outcomes": [
                     *           {
                     *             "code": "ok",
                     *             "requests": 40
                     *           }
                     *         ],
                     *         "recentDenials": [
                     *           {
                     *             "at": "2026-01-31T12:00:00.000Z",
                     *             "clientAddress": "192.0.2.7",
                     *             "code": "permission_denied",
                     *             "permission": "contacts:delete",
                     *             "requestId": null
                     *           }
                     *         ],
                     *         "totals": {
                     *           "allowed": 40,
                     *           "denied": 2,
                     *           "requests": 42
                     *         },
                     *         "unusedPermissions": [
                     *           "contacts:create"
                     *         ],
                     *         "windows": {
                     *           "hour": {
                     *             "limit": 60,
                     *             "remaining": 59,
                     *             "resetSeconds": 61
                     *           },
                     *           "minute": {
                     *             "limit": 60,
                     *             "remaining": 59,
                     *             "resetSeconds": 61
                     *           }
                     *         }
                     *       },
                     *       "message": "API key usage retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetApiKeyUsageAnswer"];
                };
            };
        };
    };
    disableApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["DisableApiKeyRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "agent": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Support"
                     *         },
                     *         "allowedIps": [
                     *           "192.0.2.0/24"
                     *         ],
                     *         "apiKey": "kw_live_0000000000000000000000000000",
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "createdBy": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Ada"
                     *         },
                     *         "effectivePermissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "expiresAt": "2099-12-31T23:59:59.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "lastUsedAt": null,
                     *         "name": "Production sync",
                     *         "permissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "rateLimits": {
                     *           "perHour": 1000,
                     *           "perMinute": 60
                     *         },
                     *         "rotation": null,
                     *         "secretLast4": "9fQz",
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "API key disabled successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DisableApiKeyAnswer"];
                };
            };
        };
    };
    enableApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["EnableApiKeyRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "agent": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Support"
                     *         },
                     *         "allowedIps": [
                     *           "192.0.2.0/24"
                     *         ],
                     *         "apiKey": "kw_live_0000000000000000000000000000",
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "createdBy": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Ada"
                     *         },
                     *         "effectivePermissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "expiresAt": "2099-12-31T23:59:59.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "lastUsedAt": null,
                     *         "name": "Production sync",
                     *         "permissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "rateLimits": {
                     *           "perHour": 1000,
                     *           "perMinute": 60
                     *         },
                     *         "rotation": null,
                     *         "secretLast4": "9fQz",
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "API key enabled successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["EnableApiKeyAnswer"];
                };
            };
        };
    };
    endOverlap: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["EndOverlapRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "agent": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Support"
                     *         },
                     *         "allowedIps": [
                     *           "192.0.2.0/24"
                     *         ],
                     *         "apiKey": "kw_live_0000000000000000000000000000",
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "createdBy": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Ada"
                     *         },
                     *         "effectivePermissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "expiresAt": "2099-12-31T23:59:59.000Z",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "lastUsedAt": null,
                     *         "name": "Production sync",
                     *         "permissions": [
                     *           "contacts:read",
                     *           "contacts:create"
                     *         ],
                     *         "rateLimits": {
                     *           "perHour": 1000,
                     *           "perMinute": 60
                     *         },
                     *         "rotation": null,
                     *         "secretLast4": "9fQz",
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Overlap ended successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["EndOverlapAnswer"];
                };
            };
        };
    };
    explainApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "address": "192.0.2.7",
                 *       "agent": "65f0c0ffee65f0c0ffee65f0"
                 *     }
                 */
                "application/json": components["schemas"]["ExplainApiKeyRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "allowed": false,
                     *         "at": "2026-01-31T12:00:00.000Z",
                     *         "code": null,
                     *         "message": "text",
                     *         "requestId": "65f0c0ffee65f0c0ffee65f0",
                     *         "rows": [
                     *           {
                     *             "code": "key_expired",
                     *             "reason": "The key expired at 2026-01-31T12:00:00.000Z.",
                     *             "result": "passed"
                     *           }
                     *         ],
                     *         "rule": "text"
                     *       },
                     *       "message": "Decision explained.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ExplainApiKeyAnswer"];
                };
            };
        };
    };
    rotateApiKey: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlapSeconds": 3600
                 *     }
                 */
                "application/json": components["schemas"]["RotateApiKeyRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "key": {
                     *           "agent": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Support"
                     *           },
                     *           "allowedIps": [
                     *             "192.0.2.0/24"
                     *           ],
                     *           "apiKey": "kw_live_0000000000000000000000000000",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "createdBy": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Ada"
                     *           },
                     *           "effectivePermissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "expiresAt": "2099-12-31T23:59:59.000Z",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "lastUsedAt": null,
                     *           "name": "Production sync",
                     *           "permissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "rateLimits": {
                     *             "perHour": 1000,
                     *             "perMinute": 60
                     *           },
                     *           "rotation": null,
                     *           "secretLast4": "9fQz",
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "version": 1
                     *         },
                     *         "secret": "kws_live_0000000000000000000000000000000000000000000000000"
                     *       },
                     *       "message": "API key rotated successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["RotateApiKeyAnswer"];
                };
            };
        };
    };
    listContactFields: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "default": null,
                     *           "key": "shoeSize",
                     *           "maxLength": null,
                     *           "maximum": null,
                     *           "minimum": null,
                     *           "options": [
                     *             "text"
                     *           ],
                     *           "required": false,
                     *           "title": "Shoe size",
                     *           "type": "NUMBER",
                     *           "unique": false,
                     *           "updatedAt": "2026-01-31T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "message": "Contact fields retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListContactFieldsAnswer"];
                };
            };
        };
    };
    createContactField: {
        parameters: {
            query?: {
                confirm?: boolean;
            };
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "key": "shoeSize",
                 *       "title": "Shoe size",
                 *       "type": "NUMBER"
                 *     }
                 */
                "application/json": components["schemas"]["ContactFieldInput"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "default": null,
                     *         "key": "shoeSize",
                     *         "maxLength": null,
                     *         "maximum": null,
                     *         "minimum": null,
                     *         "options": [
                     *           "text"
                     *         ],
                     *         "required": false,
                     *         "title": "Shoe size",
                     *         "type": "NUMBER",
                     *         "unique": false,
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Contact field created.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateContactFieldAnswer"];
                };
            };
        };
    };
    getContactField: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example text */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "default": null,
                     *         "key": "shoeSize",
                     *         "maxLength": null,
                     *         "maximum": null,
                     *         "minimum": null,
                     *         "options": [
                     *           "text"
                     *         ],
                     *         "required": false,
                     *         "title": "Shoe size",
                     *         "type": "NUMBER",
                     *         "unique": false,
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Contact field retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetContactFieldAnswer"];
                };
            };
        };
    };
    deleteContactField: {
        parameters: {
            query?: {
                confirm?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example text */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Contact field deleted.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteContactFieldAnswer"];
                };
            };
        };
    };
    updateContactField: {
        parameters: {
            query?: {
                confirm?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example text */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "title": "Shoe size"
                 *     }
                 */
                "application/json": components["schemas"]["ContactFieldPatch"];
                /**
                 * @example {
                 *       "title": "Shoe size"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ContactFieldPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "default": null,
                     *         "key": "shoeSize",
                     *         "maxLength": null,
                     *         "maximum": null,
                     *         "minimum": null,
                     *         "options": [
                     *           "text"
                     *         ],
                     *         "required": false,
                     *         "title": "Shoe size",
                     *         "type": "NUMBER",
                     *         "unique": false,
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Contact field updated.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateContactFieldAnswer"];
                };
            };
        };
    };
    listContactImportsAsMember: {
        parameters: {
            query?: {
                label?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "created": 0,
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "dryRun": false,
                     *           "error": null,
                     *           "errors": [
                     *             {
                     *               "error": null,
                     *               "line": 0
                     *             }
                     *           ],
                     *           "failed": 0,
                     *           "finishedAt": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "label": null,
                     *           "rows": 0,
                     *           "status": null,
                     *           "unchanged": 0,
                     *           "updated": 0,
                     *           "updatedAt": "2026-01-31T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "message": "Imports retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListContactImportsAnswer"];
                };
            };
        };
    };
    getContactImportAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "created": 0,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "dryRun": false,
                     *         "error": null,
                     *         "errors": [
                     *           {
                     *             "error": null,
                     *             "line": 0
                     *           }
                     *         ],
                     *         "failed": 0,
                     *         "finishedAt": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "label": null,
                     *         "rows": 0,
                     *         "status": null,
                     *         "unchanged": 0,
                     *         "updated": 0,
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Import retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetContactImportAnswer"];
                };
            };
        };
    };
    listContactImportErrorsAsMember: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "error": null,
                     *           "line": 0
                     *         }
                     *       ],
                     *       "message": "Import errors retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListContactImportErrorsAnswer"];
                };
            };
        };
    };
    listContactsAsMember: {
        parameters: {
            query?: {
                search?: string;
                externalReferenceId?: string;
                email?: string;
                mobileNumber?: string;
                stage?: components["schemas"]["ContactStage"];
                status?: components["schemas"]["ContactStatusFilter"];
                tag?: string;
                createdAfter?: string;
                createdBefore?: string;
                updatedAfter?: string;
                sort?: string;
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "archivedAt": null,
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "customFields": {
                     *             "shoeSize": 42
                     *           },
                     *           "email": "ada@example.com",
                     *           "externalReferenceId": "customer-1",
                     *           "gender": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "mobileNumber": "+447700900123",
                     *           "name": "Ada Lovelace",
                     *           "notes": null,
                     *           "source": "website",
                     *           "stage": "LEAD",
                     *           "status": "ACTIVE",
                     *           "tags": [
                     *             "newsletter"
                     *           ],
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "version": 1
                     *         }
                     *       ],
                     *       "message": "Contacts retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListContactsAnswer"];
                };
            };
        };
    };
    createContactAsMember: {
        parameters: {
            query?: {
                onDuplicate?: string;
            };
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "customFields": {
                 *         "shoeSize": 42
                 *       },
                 *       "email": "ada@example.com",
                 *       "externalReferenceId": "customer-1",
                 *       "mobileNumber": "+447700900123",
                 *       "name": "Ada Lovelace",
                 *       "source": "website",
                 *       "stage": "LEAD",
                 *       "tags": [
                 *         "newsletter"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ContactInput"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact created.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateContactAnswer"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact created.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateContactAnswer"];
                };
            };
        };
    };
    getContactSchemaAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {},
                     *       "message": "Contact schema retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetContactSchemaAnswer"];
                };
            };
        };
    };
    listFilesAsMember: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                contactId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "contactId": "text",
                     *           "contentType": "text",
                     *           "createdAt": null,
                     *           "description": null,
                     *           "fileName": "text",
                     *           "id": "text",
                     *           "sha256": "text",
                     *           "sizeBytes": 0
                     *         }
                     *       ],
                     *       "message": "Files retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListFilesAnswer"];
                };
            };
        };
    };
    uploadFileAsMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                contactId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "*/*": string;
                "multipart/form-data": {
                    contentType?: string | null;
                    description?: string | null;
                    /** Format: binary */
                    file: string;
                    fileName?: string | null;
                    sha256?: string | null;
                    /** Format: int32 */
                    sizeBytes?: number | null;
                };
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "contactId": "text",
                     *         "contentType": "text",
                     *         "createdAt": null,
                     *         "description": null,
                     *         "fileName": "text",
                     *         "id": "text",
                     *         "sha256": "text",
                     *         "sizeBytes": 0
                     *       },
                     *       "message": "File uploaded.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UploadFileAnswer"];
                };
            };
        };
    };
    getFileAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                contactId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                fileId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "contactId": "text",
                     *         "contentType": "text",
                     *         "createdAt": null,
                     *         "description": null,
                     *         "fileName": "text",
                     *         "id": "text",
                     *         "sha256": "text",
                     *         "sizeBytes": 0
                     *       },
                     *       "message": "File retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetFileAnswer"];
                };
            };
        };
    };
    deleteFileAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                contactId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                fileId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "File deleted.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteFileAnswer"];
                };
            };
        };
    };
    getFileContentAsMember: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
                /** @example "1" */
                "If-None-Match"?: string;
                /** @example bytes=0-1023 */
                Range?: string;
                /** @example "1" */
                "If-Range"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                contactId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                fileId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
        };
    };
    getContactAsMember: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
                /** @example "1" */
                "If-None-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetContactAnswer"];
                };
            };
        };
    };
    replaceContactAsMember: {
        parameters: {
            query?: {
                upsert?: boolean;
                onDuplicate?: string;
            };
            header?: {
                /** @example "1" */
                "If-Match"?: string;
                /** @example "1" */
                "If-None-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "customFields": {
                 *         "shoeSize": 42
                 *       },
                 *       "email": "ada@example.com",
                 *       "externalReferenceId": "customer-1",
                 *       "mobileNumber": "+447700900123",
                 *       "name": "Ada Lovelace",
                 *       "source": "website",
                 *       "stage": "LEAD",
                 *       "tags": [
                 *         "newsletter"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ContactInput"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact saved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ReplaceContactAnswer"];
                };
            };
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact saved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ReplaceContactAnswer"];
                };
            };
        };
    };
    deleteContactAsMember: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Contact deleted.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteContactAnswer"];
                };
            };
        };
    };
    updateContactAsMember: {
        parameters: {
            query?: {
                onDuplicate?: string;
            };
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "customFields": {
                 *         "shoeSize": 42
                 *       },
                 *       "email": "ada@example.com",
                 *       "externalReferenceId": "customer-1",
                 *       "mobileNumber": "+447700900123",
                 *       "name": "Ada Lovelace",
                 *       "source": "website",
                 *       "stage": "LEAD",
                 *       "tags": [
                 *         "newsletter"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ContactPatch"];
                /**
                 * @example {
                 *       "customFields": {
                 *         "shoeSize": 42
                 *       },
                 *       "email": "ada@example.com",
                 *       "externalReferenceId": "customer-1",
                 *       "mobileNumber": "+447700900123",
                 *       "name": "Ada Lovelace",
                 *       "source": "website",
                 *       "stage": "LEAD",
                 *       "tags": [
                 *         "newsletter"
                 *       ]
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ContactPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact updated.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateContactAnswer"];
                };
            };
        };
    };
    archiveContactAsMember: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["ArchiveContactRequestPatch"];
                /** @example {} */
                "application/merge-patch+json": components["schemas"]["ArchiveContactRequestPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact archived.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ArchiveContactAnswer"];
                };
            };
        };
    };
    unarchiveContactAsMember: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["UnarchiveContactRequestPatch"];
                /** @example {} */
                "application/merge-patch+json": components["schemas"]["UnarchiveContactRequestPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "archivedAt": null,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "customFields": {
                     *           "shoeSize": 42
                     *         },
                     *         "email": "ada@example.com",
                     *         "externalReferenceId": "customer-1",
                     *         "gender": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "mobileNumber": "+447700900123",
                     *         "name": "Ada Lovelace",
                     *         "notes": null,
                     *         "source": "website",
                     *         "stage": "LEAD",
                     *         "status": "ACTIVE",
                     *         "tags": [
                     *           "newsletter"
                     *         ],
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "version": 1
                     *       },
                     *       "message": "Contact unarchived.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UnarchiveContactAnswer"];
                };
            };
        };
    };
    exportContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "changes": [
                     *           {
                     *             "actorId": null,
                     *             "changedAt": "2026-01-31T12:00:00.000Z",
                     *             "type": null,
                     *             "version": 0
                     *           }
                     *         ],
                     *         "contact": {
                     *           "archivedAt": null,
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "customFields": {
                     *             "shoeSize": 42
                     *           },
                     *           "email": "ada@example.com",
                     *           "externalReferenceId": "customer-1",
                     *           "gender": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "mobileNumber": "+447700900123",
                     *           "name": "Ada Lovelace",
                     *           "notes": null,
                     *           "source": "website",
                     *           "stage": "LEAD",
                     *           "status": "ACTIVE",
                     *           "tags": [
                     *             "newsletter"
                     *           ],
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "version": 1
                     *         },
                     *         "exportedAt": "2026-01-31T12:00:00.000Z",
                     *         "files": [
                     *           {
                     *             "contactId": "text",
                     *             "contentType": "text",
                     *             "createdAt": null,
                     *             "description": null,
                     *             "fileName": "text",
                     *             "id": "text",
                     *             "sha256": "text",
                     *             "sizeBytes": 0
                     *           }
                     *         ]
                     *       },
                     *       "message": "Contact exported.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ExportContactAnswer"];
                };
            };
        };
    };
    bulkUpsertContactsAsMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "contacts": [
                 *         {
                 *           "customFields": {
                 *             "shoeSize": 42
                 *           },
                 *           "email": "ada@example.com",
                 *           "externalReferenceId": "customer-1",
                 *           "mobileNumber": "+447700900123",
                 *           "name": "Ada Lovelace",
                 *           "source": "website",
                 *           "stage": "LEAD",
                 *           "tags": [
                 *             "newsletter"
                 *           ]
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["BulkUpsertContactsRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "results": [
                     *           {
                     *             "error": null,
                     *             "id": null,
                     *             "index": 0,
                     *             "status": null
                     *           }
                     *         ]
                     *       },
                     *       "message": "Contacts processed.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["BulkUpsertContactsAnswer"];
                };
            };
        };
    };
    listContactChangesAsMember: {
        parameters: {
            query?: {
                since?: string;
                limit?: number;
                latest?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "changedAt": "2026-01-31T12:00:00.000Z",
                     *           "contact": null,
                     *           "contactId": "65f0c0ffee65f0c0ffee65f0",
                     *           "cursor": "text",
                     *           "externalReferenceId": null,
                     *           "type": null,
                     *           "version": 1
                     *         }
                     *       ],
                     *       "message": "Contact changes retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListContactChangesAnswer"];
                };
            };
        };
    };
    exportContactsAsMember: {
        parameters: {
            query?: {
                search?: string;
                externalReferenceId?: string;
                email?: string;
                mobileNumber?: string;
                stage?: components["schemas"]["ContactStage"];
                status?: components["schemas"]["ContactStatusFilter"];
                tag?: string;
                createdAfter?: string;
                createdBefore?: string;
                updatedAfter?: string;
                format?: components["schemas"]["ExportFormat"];
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
        };
    };
    importContactsAsMember: {
        parameters: {
            query?: {
                dryRun?: boolean;
                onDuplicate?: string;
                delimiter?: string;
                ignoreUnknownColumns?: boolean;
                /** @example de-DE */
                locale?: string;
                /** @example DD.MM.YYYY */
                dateFormat?: string;
                /** @example DE */
                region?: string;
                /** @example nightly 2026-12-31 */
                label?: string;
            };
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "*/*": string;
                "multipart/form-data": {
                    contentType?: string | null;
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "created": 0,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "dryRun": false,
                     *         "error": null,
                     *         "errors": [
                     *           {
                     *             "error": null,
                     *             "line": 0
                     *           }
                     *         ],
                     *         "failed": 0,
                     *         "finishedAt": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "label": null,
                     *         "rows": 0,
                     *         "status": null,
                     *         "unchanged": 0,
                     *         "updated": 0,
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Contacts imported.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ImportContactsAnswer"];
                };
            };
        };
    };
    watchContactChangesAsMember: {
        parameters: {
            query?: {
                since?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["ContactChange"];
                    "text/event-stream": string;
                };
            };
        };
    };
    listEnginesAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "builtIn": false,
                     *           "name": "text"
                     *         }
                     *       ],
                     *       "message": "Engines retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListEnginesAnswer"];
                };
            };
        };
    };
    listTemplatesAsMember: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "builtIn": false,
                     *           "createdAt": null,
                     *           "name": "text",
                     *           "schema": null,
                     *           "title": "text",
                     *           "version": 0
                     *         }
                     *       ],
                     *       "message": "Templates retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListTemplatesAnswer"];
                };
            };
        };
    };
    listJobsAsMember: {
        parameters: {
            query?: {
                status?: "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED";
                template?: string;
                createdAfter?: string;
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "contactFileId": null,
                     *           "contentType": null,
                     *           "corrections": [
                     *             {
                     *               "correctedAt": null,
                     *               "path": "text",
                     *               "value": null
                     *             }
                     *           ],
                     *           "createdAt": null,
                     *           "documentDeletedAt": null,
                     *           "error": null,
                     *           "fileName": null,
                     *           "finishedAt": null,
                     *           "id": "text",
                     *           "learning": null,
                     *           "lowestConfidence": null,
                     *           "options": null,
                     *           "pageCount": null,
                     *           "pagesRead": null,
                     *           "result": null,
                     *           "schema": null,
                     *           "sizeBytes": 0,
                     *           "startedAt": null,
                     *           "status": null,
                     *           "template": null,
                     *           "templateVersion": null,
                     *           "updatedAt": null,
                     *           "usage": null
                     *         }
                     *       ],
                     *       "message": "Document extractions retrieved.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListJobsAnswer"];
                };
            };
        };
    };
    createJobAsMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["CreateJobMetadataInput"];
                "multipart/form-data": {
                    contentType?: string | null;
                    document?: components["schemas"]["DocumentSourceInput"] | null;
                    /** Format: binary */
                    file: string;
                    fileName?: string | null;
                    options?: components["schemas"]["ExtractionOptionsInput"] | null;
                    schema?: Record<string, never> | null;
                    template?: string | null;
                };
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "contactFileId": null,
                     *         "contentType": null,
                     *         "corrections": [
                     *           {
                     *             "correctedAt": null,
                     *             "path": "text",
                     *             "value": null
                     *           }
                     *         ],
                     *         "createdAt": null,
                     *         "documentDeletedAt": null,
                     *         "error": null,
                     *         "fileName": null,
                     *         "finishedAt": null,
                     *         "id": "text",
                     *         "learning": null,
                     *         "lowestConfidence": null,
                     *         "options": null,
                     *         "pageCount": null,
                     *         "pagesRead": null,
                     *         "result": null,
                     *         "schema": null,
                     *         "sizeBytes": 0,
                     *         "startedAt": null,
                     *         "status": null,
                     *         "template": null,
                     *         "templateVersion": null,
                     *         "updatedAt": null,
                     *         "usage": null
                     *       },
                     *       "message": "Document extraction queued.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateJobAnswer"];
                };
            };
        };
    };
    getJobAsMember: {
        parameters: {
            query?: {
                wait?: number;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "contactFileId": null,
                     *         "contentType": null,
                     *         "corrections": [
                     *           {
                     *             "correctedAt": null,
                     *             "path": "text",
                     *             "value": null
                     *           }
                     *         ],
                     *         "createdAt": null,
                     *         "documentDeletedAt": null,
                     *         "error": null,
                     *         "fileName": null,
                     *         "finishedAt": null,
                     *         "id": "text",
                     *         "learning": null,
                     *         "lowestConfidence": null,
                     *         "options": null,
                     *         "pageCount": null,
                     *         "pagesRead": null,
                     *         "result": null,
                     *         "schema": null,
                     *         "sizeBytes": 0,
                     *         "startedAt": null,
                     *         "status": null,
                     *         "template": null,
                     *         "templateVersion": null,
                     *         "updatedAt": null,
                     *         "usage": null
                     *       },
                     *       "message": "Document extraction retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetJobAnswer"];
                };
            };
        };
    };
    deleteJobAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Document extraction deleted.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteJobAnswer"];
                };
            };
        };
    };
    updateJobAsMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["JobCorrectionsPatch"];
                /** @example {} */
                "application/merge-patch+json": components["schemas"]["JobCorrectionsPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "contactFileId": null,
                     *         "contentType": null,
                     *         "corrections": [
                     *           {
                     *             "correctedAt": null,
                     *             "path": "text",
                     *             "value": null
                     *           }
                     *         ],
                     *         "createdAt": null,
                     *         "documentDeletedAt": null,
                     *         "error": null,
                     *         "fileName": null,
                     *         "finishedAt": null,
                     *         "id": "text",
                     *         "learning": null,
                     *         "lowestConfidence": null,
                     *         "options": null,
                     *         "pageCount": null,
                     *         "pagesRead": null,
                     *         "result": null,
                     *         "schema": null,
                     *         "sizeBytes": 0,
                     *         "startedAt": null,
                     *         "status": null,
                     *         "template": null,
                     *         "templateVersion": null,
                     *         "updatedAt": null,
                     *         "usage": null
                     *       },
                     *       "message": "Document extraction updated.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateJobAnswer"];
                };
            };
        };
    };
    getPage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
                /** @example 1 */
                page: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "height": 0,
                     *         "method": null,
                     *         "name": null,
                     *         "next": null,
                     *         "number": 0,
                     *         "previous": null,
                     *         "synthetic": false,
                     *         "width": 0,
                     *         "wordCount": 0,
                     *         "words": [
                     *           {
                     *             "boundingBox": null,
                     *             "confidence": null,
                     *             "hidden": false,
                     *             "line": 0,
                     *             "text": "text"
                     *           }
                     *         ]
                     *       },
                     *       "message": "Page retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetPageAnswer"];
                };
            };
        };
    };
    getPageImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
                /** @example 1 */
                page: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "disabledReason": null,
                     *           "events": [
                     *             "contact.created",
                     *             "contact.updated"
                     *           ],
                     *           "failingSince": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "overlapEndsAt": null,
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "url": "https://example.com/keyward",
                     *           "version": 1
                     *         }
                     *       ],
                     *       "message": "Webhooks retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListWebhooksAnswer"];
                };
            };
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "events": [
                 *         "contact.created",
                 *         "contact.updated"
                 *       ],
                 *       "status": "ACTIVE",
                 *       "url": "https://example.com/keyward"
                 *     }
                 */
                "application/json": components["schemas"]["WebhookInput"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                     *         "webhook": {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "disabledReason": null,
                     *           "events": [
                     *             "contact.created",
                     *             "contact.updated"
                     *           ],
                     *           "failingSince": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "overlapEndsAt": null,
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "url": "https://example.com/keyward",
                     *           "version": 1
                     *         }
                     *       },
                     *       "message": "Webhook created successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateWebhookAnswer"];
                };
            };
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
                /** @example "1" */
                "If-None-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "disabledReason": null,
                     *         "events": [
                     *           "contact.created",
                     *           "contact.updated"
                     *         ],
                     *         "failingSince": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "overlapEndsAt": null,
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "url": "https://example.com/keyward",
                     *         "version": 1
                     *       },
                     *       "message": "Webhook retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetWebhookAnswer"];
                };
            };
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Webhook deleted successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteWebhookAnswer"];
                };
            };
        };
    };
    updateWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @example "1" */
                "If-Match"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "events": [
                 *         "contact.created",
                 *         "contact.updated"
                 *       ],
                 *       "status": "ACTIVE",
                 *       "url": "https://example.com/keyward"
                 *     }
                 */
                "application/json": components["schemas"]["WebhookPatch"];
                /**
                 * @example {
                 *       "events": [
                 *         "contact.created",
                 *         "contact.updated"
                 *       ],
                 *       "status": "ACTIVE",
                 *       "url": "https://example.com/keyward"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["WebhookPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "disabledReason": null,
                     *         "events": [
                     *           "contact.created",
                     *           "contact.updated"
                     *         ],
                     *         "failingSince": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "overlapEndsAt": null,
                     *         "status": "ACTIVE",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z",
                     *         "url": "https://example.com/keyward",
                     *         "version": 1
                     *       },
                     *       "message": "Webhook updated successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateWebhookAnswer"];
                };
            };
        };
    };
    listWebhookDeliveries: {
        parameters: {
            query?: {
                /** @example DEAD */
                status?: components["schemas"]["WebhookDeliveryStatus"];
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "attempts": 1,
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "event": "contact.created",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "lastFailure": null,
                     *           "lastStatus": 204,
                     *           "nextAttemptAt": null,
                     *           "status": "PENDING"
                     *         }
                     *       ],
                     *       "message": "Webhook deliveries retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListWebhookDeliveriesAnswer"];
                };
            };
        };
    };
    replayWebhookDelivery: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                deliveryId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["ReplayWebhookDeliveryRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "attempts": 1,
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "event": "contact.created",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "lastFailure": null,
                     *         "lastStatus": 204,
                     *         "nextAttemptAt": null,
                     *         "status": "PENDING"
                     *       },
                     *       "message": "Webhook delivery is sent again.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ReplayWebhookDeliveryAnswer"];
                };
            };
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "overlapSeconds": 3600
                 *     }
                 */
                "application/json": components["schemas"]["RotateWebhookSecretRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                     *         "webhook": {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "disabledReason": null,
                     *           "events": [
                     *             "contact.created",
                     *             "contact.updated"
                     *           ],
                     *           "failingSince": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "overlapEndsAt": null,
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "url": "https://example.com/keyward",
                     *           "version": 1
                     *         }
                     *       },
                     *       "message": "Webhook secret rotated successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["RotateWebhookSecretAnswer"];
                };
            };
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                agentId: string;
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["TestWebhookRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "delivered": true,
                     *         "failure": null,
                     *         "status": 204
                     *       },
                     *       "message": "Webhook tested.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["TestWebhookAnswer"];
                };
            };
        };
    };
    listApiKeysWithoutAgentId: {
        parameters: {
            query?: {
                agentId?: string;
                search?: string;
                status?: components["schemas"]["ApiKeyStatus"];
                unusedDays?: number;
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
                /**
                 * @example [
                 *       "activity"
                 *     ]
                 */
                include?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "agent": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Support"
                     *           },
                     *           "allowedIps": [
                     *             "192.0.2.0/24"
                     *           ],
                     *           "apiKey": "kw_live_0000000000000000000000000000",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "createdBy": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Ada"
                     *           },
                     *           "effectivePermissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "expiresAt": "2099-12-31T23:59:59.000Z",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "lastUsedAt": null,
                     *           "name": "Production sync",
                     *           "permissions": [
                     *             "contacts:read",
                     *             "contacts:create"
                     *           ],
                     *           "rateLimits": {
                     *             "perHour": 1000,
                     *             "perMinute": 60
                     *           },
                     *           "rotation": null,
                     *           "secretLast4": "9fQz",
                     *           "status": "ACTIVE",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z",
                     *           "version": 1
                     *         }
                     *       ],
                     *       "message": "API keys retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListApiKeysAnswer"];
                };
            };
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                actor?: string;
                /** @example api_key.created */
                action?: string;
                /** @example api_key */
                resourceType?: string;
                resourceId?: string;
                from?: string;
                to?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "action": "api_key.created",
                     *           "actor": {
                     *             "id": null,
                     *             "kind": null,
                     *             "member": null,
                     *             "name": "Ada"
                     *           },
                     *           "after": null,
                     *           "at": "2026-01-31T12:00:00.000Z",
                     *           "before": null,
                     *           "clientAddress": "192.0.2.1",
                     *           "hash": "text",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "organizationId": "65f0c0ffee65f0c0ffee65f0",
                     *           "previousHash": "text",
                     *           "requestId": null,
                     *           "resource": {
                     *             "id": null,
                     *             "name": "Production sync",
                     *             "type": "api_key"
                     *           },
                     *           "sequence": 1,
                     *           "status": null
                     *         }
                     *       ],
                     *       "message": "Audit log retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListAuditEntriesAnswer"];
                };
            };
        };
    };
    exportAuditLog: {
        parameters: {
            query?: {
                after?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["AuditEntry"];
                    "text/event-stream": string;
                };
            };
        };
    };
    listOwnTemplates: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "builtIn": false,
                     *           "createdAt": null,
                     *           "name": "text",
                     *           "schema": null,
                     *           "title": "text",
                     *           "version": 0
                     *         }
                     *       ],
                     *       "message": "Templates retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListOwnTemplatesAnswer"];
                };
            };
        };
    };
    createTemplate: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "delivery-note",
                 *       "schema": {},
                 *       "title": "Delivery note"
                 *     }
                 */
                "application/json": components["schemas"]["NewTemplateInput"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "builtIn": false,
                     *         "createdAt": null,
                     *         "name": "text",
                     *         "schema": null,
                     *         "title": "text",
                     *         "version": 0
                     *       },
                     *       "message": "Template created.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateTemplateAnswer"];
                };
            };
        };
    };
    getTemplate: {
        parameters: {
            query?: {
                version?: number;
            };
            header?: never;
            path: {
                /** @example text */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "builtIn": false,
                     *         "createdAt": null,
                     *         "name": "text",
                     *         "schema": null,
                     *         "title": "text",
                     *         "version": 0
                     *       },
                     *       "message": "Template retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetTemplateAnswer"];
                };
            };
        };
    };
    deleteTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example text */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Template deleted.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteTemplateAnswer"];
                };
            };
        };
    };
    listTemplateVersions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example text */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "builtIn": false,
                     *           "createdAt": null,
                     *           "name": "text",
                     *           "schema": null,
                     *           "title": "text",
                     *           "version": 0
                     *         }
                     *       ],
                     *       "message": "Template versions retrieved.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListTemplateVersionsAnswer"];
                };
            };
        };
    };
    createTemplateVersion: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example text */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "schema": {},
                 *       "title": "Delivery note"
                 *     }
                 */
                "application/json": components["schemas"]["TemplateContentInput"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "builtIn": false,
                     *         "createdAt": null,
                     *         "name": "text",
                     *         "schema": null,
                     *         "title": "text",
                     *         "version": 0
                     *       },
                     *       "message": "Template version created.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateTemplateVersionAnswer"];
                };
            };
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Grace Hopper",
                 *       "password": "correct horse battery staple",
                 *       "token": "kwinvite_0000000000000000000000000000000000000000000000000"
                 *     }
                 */
                "application/json": components["schemas"]["AcceptInvitationRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "apiBaseUrl": "https://api.example.com",
                     *         "clientAddress": "192.0.2.1",
                     *         "csrfToken": "8D3pXQH0Zk1mYbKvJr5cT2nWq7LsVf9uE4aGyRiO6hs",
                     *         "expiresAt": null,
                     *         "maxRateLimits": {
                     *           "perHour": 10000,
                     *           "perMinute": 1000
                     *         },
                     *         "member": {
                     *           "email": "grace@example.com",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Grace Hopper",
                     *           "role": "ADMIN"
                     *         },
                     *         "organization": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Acme"
                     *         },
                     *         "scopes": [
                     *           {
                     *             "actions": [
                     *               "read"
                     *             ],
                     *             "badge": "Contacts",
                     *             "scope": "contacts",
                     *             "title": "Contact Access"
                     *           }
                     *         ]
                     *       },
                     *       "message": "Invitation accepted.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["AcceptInvitationAnswer"];
                };
            };
        };
    };
    listMembers: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "email": "grace@example.com",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "inviteExpiresAt": null,
                     *           "inviteUrl": null,
                     *           "lastSeenAt": null,
                     *           "name": "Grace Hopper",
                     *           "role": "ADMIN",
                     *           "status": "INVITED",
                     *           "updatedAt": "2026-01-31T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "message": "Members retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListMembersAnswer"];
                };
            };
        };
    };
    createMember: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "grace@example.com",
                 *       "name": "Grace Hopper",
                 *       "role": "ADMIN"
                 *     }
                 */
                "application/json": components["schemas"]["MemberInput"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "email": "grace@example.com",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "inviteExpiresAt": null,
                     *         "inviteUrl": null,
                     *         "lastSeenAt": null,
                     *         "name": "Grace Hopper",
                     *         "role": "ADMIN",
                     *         "status": "INVITED",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Member added successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateMemberAnswer"];
                };
            };
        };
    };
    getMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "email": "grace@example.com",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "inviteExpiresAt": null,
                     *         "inviteUrl": null,
                     *         "lastSeenAt": null,
                     *         "name": "Grace Hopper",
                     *         "role": "ADMIN",
                     *         "status": "INVITED",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Member retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetMemberAnswer"];
                };
            };
        };
    };
    deleteMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Member removed successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteMemberAnswer"];
                };
            };
        };
    };
    updateMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "role": "ADMIN"
                 *     }
                 */
                "application/json": components["schemas"]["MemberPatch"];
                /**
                 * @example {
                 *       "role": "ADMIN"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["MemberPatch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "email": "grace@example.com",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "inviteExpiresAt": null,
                     *         "inviteUrl": null,
                     *         "lastSeenAt": null,
                     *         "name": "Grace Hopper",
                     *         "role": "ADMIN",
                     *         "status": "INVITED",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Member updated successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["UpdateMemberAnswer"];
                };
            };
        };
    };
    renewInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["RenewInvitationRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "email": "grace@example.com",
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "inviteExpiresAt": null,
                     *         "inviteUrl": null,
                     *         "lastSeenAt": null,
                     *         "name": "Grace Hopper",
                     *         "role": "ADMIN",
                     *         "status": "INVITED",
                     *         "updatedAt": "2026-01-31T12:00:00.000Z"
                     *       },
                     *       "message": "Invitation renewed successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["RenewInvitationAnswer"];
                };
            };
        };
    };
    createPasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /** @example {} */
                "application/json": components["schemas"]["CreatePasswordResetRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "expiresAt": "2026-01-31T12:00:00.000Z",
                     *         "resetUrl": "https://keys.example.com/reset#kwreset_0000000000000000000000000000000000000000000000000"
                     *       },
                     *       "message": "Password reset link created successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreatePasswordResetAnswer"];
                };
            };
        };
    };
    listNotices: {
        parameters: {
            query?: {
                agentId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "agent": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Support"
                     *           },
                     *           "days": 3,
                     *           "endsAt": "2026-01-31T12:00:00.000Z",
                     *           "key": {
                     *             "id": "65f0c0ffee65f0c0ffee65f0",
                     *             "name": "Production sync"
                     *           },
                     *           "kind": "KEY_EXPIRES",
                     *           "lastUsedAt": null,
                     *           "secretLast4": "9fQz"
                     *         }
                     *       ],
                     *       "message": "Notices retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListNoticesAnswer"];
                };
            };
        };
    };
    finishOidc: {
        parameters: {
            query?: {
                state?: string;
                code?: string;
                error?: string;
                iss?: string;
            };
            header?: never;
            path: {
                /** @example acme */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    startOidc: {
        parameters: {
            query?: {
                /** @example /agents */
                next?: string;
            };
            header?: never;
            path: {
                /** @example acme */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "current": "correct horse battery staple",
                 *       "new": "staple battery horse correct"
                 *     }
                 */
                "application/json": components["schemas"]["ChangePasswordRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "apiBaseUrl": "https://api.example.com",
                     *         "clientAddress": "192.0.2.1",
                     *         "csrfToken": "8D3pXQH0Zk1mYbKvJr5cT2nWq7LsVf9uE4aGyRiO6hs",
                     *         "expiresAt": null,
                     *         "maxRateLimits": {
                     *           "perHour": 10000,
                     *           "perMinute": 1000
                     *         },
                     *         "member": {
                     *           "email": "grace@example.com",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Grace Hopper",
                     *           "role": "ADMIN"
                     *         },
                     *         "organization": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Acme"
                     *         },
                     *         "scopes": [
                     *           {
                     *             "actions": [
                     *               "read"
                     *             ],
                     *             "badge": "Contacts",
                     *             "scope": "contacts",
                     *             "title": "Contact Access"
                     *           }
                     *         ]
                     *       },
                     *       "message": "Password changed.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ChangePasswordAnswer"];
                };
            };
        };
    };
    requestPasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "grace@example.com"
                 *     }
                 */
                "application/json": components["schemas"]["RequestPasswordResetRequest"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "If there is such a member, a mail is on its way.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["RequestPasswordResetAnswer"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "password": "correct horse battery staple",
                 *       "token": "kwreset_0000000000000000000000000000000000000000000000000"
                 *     }
                 */
                "application/json": components["schemas"]["ResetPasswordRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Password changed. Sign in with it.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ResetPasswordAnswer"];
                };
            };
        };
    };
    getRequest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "agent": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Support"
                     *         },
                     *         "at": "2026-01-31T12:00:00.000Z",
                     *         "clientAddress": "192.0.2.7",
                     *         "clientRequestId": "sync-2026-01-31-7",
                     *         "code": "ok",
                     *         "durationMs": 1.5,
                     *         "key": null,
                     *         "method": "GET",
                     *         "operation": "contacts.list",
                     *         "permission": "contacts:read",
                     *         "requestId": "65f0c0ffee65f0c0ffee65f0",
                     *         "route": "/v1/open/contacts/chatbots/{agent_id}",
                     *         "secretLast4": "9fQz",
                     *         "status": 200
                     *       },
                     *       "message": "Request retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetRequestAnswer"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "apiBaseUrl": "https://api.example.com",
                     *         "clientAddress": "192.0.2.1",
                     *         "csrfToken": "8D3pXQH0Zk1mYbKvJr5cT2nWq7LsVf9uE4aGyRiO6hs",
                     *         "expiresAt": null,
                     *         "maxRateLimits": {
                     *           "perHour": 10000,
                     *           "perMinute": 1000
                     *         },
                     *         "member": {
                     *           "email": "grace@example.com",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Grace Hopper",
                     *           "role": "ADMIN"
                     *         },
                     *         "organization": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Acme"
                     *         },
                     *         "scopes": [
                     *           {
                     *             "actions": [
                     *               "read"
                     *             ],
                     *             "badge": "Contacts",
                     *             "scope": "contacts",
                     *             "title": "Contact Access"
                     *           }
                     *         ]
                     *       },
                     *       "message": "Session retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetSessionAnswer"];
                };
            };
        };
    };
    signOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Signed out successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["SignOutAnswer"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "clientAddress": "192.0.2.1",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "current": false,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "lastSeenAt": "2026-01-31T12:00:00.000Z",
                     *           "userAgent": "Mozilla/5.0"
                     *         }
                     *       ],
                     *       "message": "Sessions retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListSessionsAnswer"];
                };
            };
        };
    };
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "grace@example.com",
                 *       "password": "correct horse battery staple"
                 *     }
                 */
                "application/json": components["schemas"]["SignInRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "apiBaseUrl": "https://api.example.com",
                     *         "clientAddress": "192.0.2.1",
                     *         "csrfToken": "8D3pXQH0Zk1mYbKvJr5cT2nWq7LsVf9uE4aGyRiO6hs",
                     *         "expiresAt": null,
                     *         "maxRateLimits": {
                     *           "perHour": 10000,
                     *           "perMinute": 1000
                     *         },
                     *         "member": {
                     *           "email": "grace@example.com",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Grace Hopper",
                     *           "role": "ADMIN"
                     *         },
                     *         "organization": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Acme"
                     *         },
                     *         "scopes": [
                     *           {
                     *             "actions": [
                     *               "read"
                     *             ],
                     *             "badge": "Contacts",
                     *             "scope": "contacts",
                     *             "title": "Contact Access"
                     *           }
                     *         ]
                     *       },
                     *       "message": "Signed in successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["SignInAnswer"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Session ended successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["EndSessionAnswer"];
                };
            };
        };
    };
    setUp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "grace@example.com",
                 *       "name": "Grace Hopper",
                 *       "organization": "Acme",
                 *       "password": "correct horse battery staple",
                 *       "token": "kwsetup_0000000000000000000000000000000000000000000000000"
                 *     }
                 */
                "application/json": components["schemas"]["SetUpRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "apiBaseUrl": "https://api.example.com",
                     *         "clientAddress": "192.0.2.1",
                     *         "csrfToken": "8D3pXQH0Zk1mYbKvJr5cT2nWq7LsVf9uE4aGyRiO6hs",
                     *         "expiresAt": null,
                     *         "maxRateLimits": {
                     *           "perHour": 10000,
                     *           "perMinute": 1000
                     *         },
                     *         "member": {
                     *           "email": "grace@example.com",
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Grace Hopper",
                     *           "role": "ADMIN"
                     *         },
                     *         "organization": {
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "name": "Acme"
                     *         },
                     *         "scopes": [
                     *           {
                     *             "actions": [
                     *               "read"
                     *             ],
                     *             "badge": "Contacts",
                     *             "scope": "contacts",
                     *             "title": "Contact Access"
                     *           }
                     *         ]
                     *       },
                     *       "message": "Keyward is set up.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["SetUpAnswer"];
                };
            };
        };
    };
    listSignInMethods: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "oidc": [
                     *           {
                     *             "id": "acme",
                     *             "title": "Acme SSO"
                     *           }
                     *         ],
                     *         "password": false,
                     *         "passwordReset": false
                     *       },
                     *       "message": "Sign-in methods retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListSignInMethodsAnswer"];
                };
            };
        };
    };
    listTokens: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                includeTotal?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "expiresAt": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "last4": "c0de",
                     *           "name": "Terraform",
                     *           "role": "ADMIN"
                     *         }
                     *       ],
                     *       "message": "Tokens retrieved successfully.",
                     *       "pagination": {
                     *         "hasMore": false,
                     *         "limit": 20,
                     *         "nextCursor": null
                     *       },
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["ListTokensAnswer"];
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: {
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "expiresAt": "2099-12-31",
                 *       "name": "Terraform",
                 *       "role": "ADMIN"
                 *     }
                 */
                "application/json": components["schemas"]["CreateTokenRequest"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "secret": "kwp_0000000000000000000000000000000000000000000000000",
                     *         "token": {
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "expiresAt": null,
                     *           "id": "65f0c0ffee65f0c0ffee65f0",
                     *           "last4": "c0de",
                     *           "name": "Terraform",
                     *           "role": "ADMIN"
                     *         }
                     *       },
                     *       "message": "Token created successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["CreateTokenAnswer"];
                };
            };
        };
    };
    getToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": {
                     *         "createdAt": "2026-01-31T12:00:00.000Z",
                     *         "expiresAt": null,
                     *         "id": "65f0c0ffee65f0c0ffee65f0",
                     *         "last4": "c0de",
                     *         "name": "Terraform",
                     *         "role": "ADMIN"
                     *       },
                     *       "message": "Token retrieved successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["GetTokenAnswer"];
                };
            };
        };
    };
    deleteToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 65f0c0ffee65f0c0ffee65f0 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": null,
                     *       "message": "Token deleted successfully.",
                     *       "success": true
                     *     }
                     */
                    "application/json": components["schemas"]["DeleteTokenAnswer"];
                };
            };
        };
    };
}
