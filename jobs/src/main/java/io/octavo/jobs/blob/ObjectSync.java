package io.octavo.jobs.blob;

/** Makes an acknowledged object survive a power cut, where the object store itself does not see to that. */
@FunctionalInterface
public interface ObjectSync {

    void force(String bucket, String key);
}
