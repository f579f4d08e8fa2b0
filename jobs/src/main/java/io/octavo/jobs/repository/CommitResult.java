package io.octavo.jobs.repository;

import io.octavo.wire.RevisionView;

/** @param created false when the head already had exactly these files */
public record CommitResult(RevisionView revision, boolean created) {}
