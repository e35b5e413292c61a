package PVE::Storage::Custom::StorPoolHerePlugin;

# StorPool's own plugin, unmodified, on a node that is a directory: here.json beside this file says where the plugin is
# and what the node and its cluster are called, bin has storpool_confget, devices stands for /dev/storpool-byid, and
# guests.json has what the cluster knows of its guests.

use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP ();

use PVE::Cluster;
use PVE::HA::Config;
use PVE::INotify;
use PVE::Storage;

my $dir = dirname(__FILE__);

sub _read {
    my ($name) = @_;

    open(my $fh, '<', "$dir/$name") or die "cannot read '$dir/$name': $!\n";
    local $/ = undef;
    return JSON::PP::decode_json(scalar(<$fh>));
}

my $here = _read('here.json');
$ENV{PATH} = "$dir/bin:$ENV{PATH}";
require "$here->{plugin}/lib/PVE/Storage/Custom/StorPoolPlugin.pm";
our @ISA = ('PVE::Storage::Custom::StorPoolPlugin');

no warnings 'redefine';
*PVE::Cluster::get_clinfo = sub { return { cluster => { name => $here->{cluster} } } };
*PVE::Cluster::get_vmlist = sub {
    my $guests = _read('guests.json');
    return {
        ids => { map { $_ => { type => 'qemu', node => $guests->{$_}->{node} } } keys %$guests } };
};
*PVE::Cluster::get_guest_config_properties = sub {
    my $guests = _read('guests.json');
    return {
        map { $guests->{$_}->{lock} ? ($_ => { lock => $guests->{$_}->{lock} }) : () }
            keys %$guests
    };
};
*PVE::INotify::nodename = sub { return $here->{node} };

sub filesystem_path {
    my ($class, @args) = @_;

    my ($path, $vmid, $vtype) = $class->SUPER::filesystem_path(@args);
    $path =~ s{\A/dev/storpool-byid/}{$here->{devices}/};
    return wantarray ? ($path, $vmid, $vtype) : $path;
}

1;
