package dev.tenon.tck;

/** A part of the contract: tests of one matter. */
interface Contract {
    /** The plugin, the same for all tests of an instance. */
    Subject subject();

    /** What the tests do with its images. */
    default Images images() {
        return new Images(subject());
    }

    default Failing failing() {
        return new Failing(subject().abilities());
    }
}
