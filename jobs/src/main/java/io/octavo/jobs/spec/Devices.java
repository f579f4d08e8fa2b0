package io.octavo.jobs.spec;

/** What a spec may say of the device it runs on. */
final class Devices {

    static final String AUTO = "auto";
    static final String CPU = "cpu";
    static final String CUDA = "cuda";

    private Devices() {}

    /** Every worker has a processor; a GPU must be found. */
    static Requirements require(String device, Requirements asked) {
        return device.equals(CUDA) ? asked.onDevice(CUDA) : asked;
    }
}
