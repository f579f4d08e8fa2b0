package io.octavo.api.repository;

/** What an upload was found to hold. */
record UploadedFile(String path, long size, String sha256) {}
