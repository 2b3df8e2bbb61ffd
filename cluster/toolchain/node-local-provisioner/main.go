// The storage class `node-local`: a folder of this node for every claim, behind a hostPath volume pinned to the node.
//
// The kubelet does not apply fsGroup to hostPath volumes, and Substrate's pods run as 65532: the folder is theirs from
// the start. Only folders under -root are ever made or removed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	provisionerName = "substrate.dev/node-local"
	nodeAnnotation  = "substrate.dev/provisioned-on-node"
	podUser         = 65532
	// Group-writable and setgid, so that what one pod writes another of the group can read and replace.
	folderMode = os.ModeSetgid | 0o775
)

type provisioner struct{ root, node string }

// Provision makes the claim's folder and answers with the volume that binds it to this node.
func (p provisioner) Provision(_ context.Context, o controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	if o.SelectedNodeName != "" && o.SelectedNodeName != p.node {
		return nil, controller.ProvisioningReschedule, fmt.Errorf("node %s has no local volumes, only %s has", o.SelectedNodeName, p.node)
	}
	if o.PVC.Spec.Selector != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("claim %s/%s has a selector: a new volume cannot match it, remove it", o.PVC.Namespace, o.PVC.Name)
	}
	folder := filepath.Join(p.root, fmt.Sprintf("%s-%s-%s", o.PVC.Namespace, o.PVC.Name, o.PVC.UID))
	if err := makeFolder(folder); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return p.volume(o, folder), controller.ProvisioningFinished, nil
}

// Delete removes the folder of a released volume; a folder that is gone already is no error.
func (p provisioner) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	if volume.Annotations[nodeAnnotation] != p.node {
		return &controller.IgnoredError{Reason: "the volume lies on node " + volume.Annotations[nodeAnnotation]}
	}
	folder := volume.Spec.HostPath.Path
	if filepath.Dir(filepath.Clean(folder)) != p.root {
		return fmt.Errorf("folder %s of volume %s is not directly under %s: not removed", folder, volume.Name, p.root)
	}
	return os.RemoveAll(folder)
}

func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := os.Chown(folder, podUser, podUser); err != nil {
		return err
	}
	return os.Chmod(folder, folderMode) // after chown, which clears setgid; and chmod heeds no umask
}

func (p provisioner) volume(o controller.ProvisionOptions, folder string) *v1.PersistentVolume {
	directory := v1.HostPathDirectoryOrCreate
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName, Annotations: map[string]string{nodeAnnotation: p.node}},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			MountOptions:                  o.StorageClass.MountOptions,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: o.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: folder, Type: &directory}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
				MatchExpressions: []v1.NodeSelectorRequirement{
					{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{p.node}},
				},
			}}}},
		},
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig to use (empty: the pod's service account)")
	root := flag.String("root", "", "absolute path of the folder in which every claim gets its own folder")
	node := flag.String("node-name", "", "name of the node (its kubernetes.io/hostname label) that this process provisions on")
	flag.Parse()
	if !filepath.IsAbs(*root) || *node == "" {
		fmt.Fprintln(os.Stderr, "node-local-provisioner: -root must be an absolute path, and -node-name must be given")
		os.Exit(2)
	}
	if err := run(*kubeconfig, filepath.Clean(*root), *node); err != nil {
		fmt.Fprintln(os.Stderr, "node-local-provisioner:", err)
		os.Exit(1)
	}
}

func run(kubeconfig, root, node string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx = klog.NewContext(ctx, klog.Background())
	// One node, one process: no election, so that a restart provisions at once.
	c := controller.NewProvisionController(ctx, client, provisionerName, provisioner{root, node}, controller.LeaderElection(false))
	c.Run(ctx)
	return nil
}
