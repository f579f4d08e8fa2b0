package io.octavo.jobs.spec;

import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a job asks of the worker that runs it.
 *
 * @param deviceKind {@code cuda}, or empty for any
 * @param deviceMemoryBytes free memory of the device, at least; 0 for any
 * @param computeCapability of the device, ten times its number (90 for 9.0), at least; 0 for any
 * @param labels that the worker carries, all of them
 */
public record Requirements(
        String deviceKind, long deviceMemoryBytes, int computeCapability, Map<String, String> labels) {

    public static final Requirements NONE = new Requirements("", 0, 0, Map.of());

    private static final double GIGABYTE = 1e9;

    public Requirements {
        if (deviceMemoryBytes < 0 || computeCapability < 0) {
            throw new IllegalArgumentException(
                    "requirements must not be negative: " + deviceMemoryBytes + " bytes, " + computeCapability);
        }
        labels = Map.copyOf(labels);
    }

    public boolean isNone() {
        return equals(NONE);
    }

    /** The same with a device of this kind, where none was named yet. */
    public Requirements onDevice(String kind) {
        return deviceKind.isEmpty() ? new Requirements(kind, deviceMemoryBytes, computeCapability, labels) : this;
    }

    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (!deviceKind.isEmpty()) {
            json.put("deviceKind", deviceKind);
        }
        if (deviceMemoryBytes > 0) {
            json.put("deviceMemoryBytes", deviceMemoryBytes);
        }
        if (computeCapability > 0) {
            json.put("computeCapability", capabilityText());
        }
        if (!labels.isEmpty()) {
            json.set("labels", labelsJson());
        }
        return json;
    }

    /** In the order of their names, so that equal labels have equal text. */
    public ObjectNode labelsJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        new TreeMap<>(labels).forEach(json::put);
        return json;
    }

    private String capabilityText() {
        return computeCapability / 10 + "." + computeCapability % 10;
    }

    /** Such as {@code a cuda device with 40 GB of free memory}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(deviceKind.isEmpty() ? "a device" : "a " + deviceKind + " device");
        String joint = " with ";
        if (deviceMemoryBytes > 0) {
            text.append(joint).append(gigabytes()).append(" GB of free memory");
            joint = " and ";
        }
        if (computeCapability > 0) {
            text.append(joint).append("compute capability ").append(capabilityText());
            joint = " and ";
        }
        if (!labels.isEmpty()) {
            text.append(joint).append("labels ").append(new TreeMap<>(labels));
        }
        return text.toString();
    }

    private String gigabytes() {
        double value = deviceMemoryBytes / GIGABYTE;
        return value == Math.rint(value) ? Long.toString((long) value) : String.format("%.2f", value);
    }
}
