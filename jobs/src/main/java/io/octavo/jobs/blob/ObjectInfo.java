package io.octavo.jobs.blob;

/** An object as its bucket lists it. */
public record ObjectInfo(String key, long size) {}
