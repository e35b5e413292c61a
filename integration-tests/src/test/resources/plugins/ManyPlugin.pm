package PVE::Storage::Custom::ManyPlugin;

# Lists as many images as the section says.

use strict;
use warnings;

use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'many' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

sub list_images {
    my ($class, $storeid, $scfg) = @_;

    return [
        map {
            {
                volid => "$storeid:100/vm-100-disk-$_.raw",
                format => 'raw',
                size => $_,
                vmid => 100
            }
        } 1 .. $scfg->{many}];
}

1;
