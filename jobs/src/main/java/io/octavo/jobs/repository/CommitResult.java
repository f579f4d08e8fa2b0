package io.octavo.jobs.repository;

/** @param created false when the head already had exactly these files */
public record CommitResult(RevisionRecord revision, boolean created) {}
