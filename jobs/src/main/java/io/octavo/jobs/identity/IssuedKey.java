package io.octavo.jobs.identity;

/** A new key; this is the only time that its secret is known here. */
public record IssuedKey(ApiKey key, KeyText text) {}
