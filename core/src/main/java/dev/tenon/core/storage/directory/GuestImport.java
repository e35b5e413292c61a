package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.StreamFormat;

/** How the image of a guest is made of what comes in a stream. */
@FunctionalInterface
interface GuestImport {
    /**
     * Makes it.
     *
     * @param image what the wanted name says
     * @param allowRename whether another name may be chosen
     * @return the name it got
     */
    VolumeName receive(Reception reception, StreamFormat format, ParsedVolume.GuestImage image, boolean allowRename);
}
