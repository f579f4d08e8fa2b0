package io.octavo.kernels.internal.cuda.driver;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;

/** JCuda's handles, which nobody else names, with addresses in the open where calls through the linker share them. */
public final class Handles {

    private Handles() {}

    public static final class Stream extends CUstream {

        long address() {
            return getNativePointer();
        }
    }

    static final class Event extends CUevent {}

    static final class Graph extends CUgraph {}

    static final class Executable extends CUgraphExec {}

    static final class Module extends CUmodule {}

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
