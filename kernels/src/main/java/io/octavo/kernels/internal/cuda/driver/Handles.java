package io.octavo.kernels.internal.cuda.driver;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/** JCuda's handles with their addresses in the open, so that calls through the linker can share them. */
public final class Handles {

    private Handles() {}

    public static final class Stream extends CUstream {

        long address() {
            return getNativePointer();
        }
    }

    static final class Function extends CUfunction {

        long address() {
            return getNativePointer();
        }
    }

    static final class DevicePointer extends CUdeviceptr {

        DevicePointer() {}

        DevicePointer(long address) {
            super(new CUdeviceptr(), address);
        }

        long address() {
            return getNativePointer() + getByteOffset();
        }
    }

    static final class HostPointer extends Pointer {

        HostPointer() {}

        HostPointer(long address) {
            super(address);
        }

        long address() {
            return getNativePointer() + getByteOffset();
        }
    }
}
