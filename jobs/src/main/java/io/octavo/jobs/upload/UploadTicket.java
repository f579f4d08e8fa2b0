package io.octavo.jobs.upload;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.identity.TenantId;

/**
 * What may be sent, and for whom.
 *
 * @param actor who asked for it
 */
public record UploadTicket(TenantId tenant, String actor, BlobId blob) {}
