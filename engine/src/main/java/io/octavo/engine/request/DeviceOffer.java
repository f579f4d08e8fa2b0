package io.octavo.engine.request;

/**
 * What a device brings to a job.
 *
 * @param kind {@code cpu} or {@code cuda}
 * @param freeMemoryBytes of the device itself; 0 for {@code cpu}
 * @param computeCapability ten times its number, 90 for 9.0; 0 for {@code cpu}
 */
public record DeviceOffer(String kind, long freeMemoryBytes, int computeCapability) {

    public static final DeviceOffer CPU = new DeviceOffer("cpu", 0, 0);
}
